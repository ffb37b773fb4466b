/**
 * Nothing of a prompt, a key or a tool's arguments shows in what an agent leaves behind for others: errors, records of
 * calls, warnings, metrics. The canary stands in each of them and is looked for in all that comes out.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Conversation } from "#agent/conversation.ts";
import { runAgent } from "#agent/run-agent.ts";
import type { ToolContext } from "#agent/tool.ts";
import { toolboxOf } from "#agent/toolbox.ts";
import {
  call,
  callTools,
  inOrder,
  type ScriptedOpenAi,
  type Step,
  say,
  startScriptedOpenAi,
} from "../support/scripted-openai.ts";
import { agentTask, CANARY_KEY, openAi, tool, world } from "./agent-world.ts";

const CANARY = "canary-7be1c0de";

let server: ScriptedOpenAi;
beforeEach(async () => {
  server = await startScriptedOpenAi(inOrder(say("Hello.")));
});
afterEach(() => server.stop());

/** A provider that quotes the prompt and the key in every word it says of an error. */
const quoting = (status: number): Step => ({
  kind: "status",
  status,
  body: {
    error: {
      message: `Bad: ${CANARY} with ${CANARY_KEY}`,
      type: "invalid_request_error",
      code: `no ${CANARY}`,
      param: CANARY,
    },
  },
});

const STEPS: Record<string, Step> = {
  "400": quoting(400),
  "401": quoting(401),
  "429": quoting(429),
  "500": quoting(500),
  "a refusal": say("", { refusal: `I will not ${CANARY}` }),
  "a cut answer": say(`Well, ${CANARY}`, { finish: "length" }),
  "a broken stream": { kind: "cut", text: CANARY },
  "an error within a stream": { kind: "stream_error", code: `no ${CANARY}` },
  "an answer that is no API's": { kind: "raw", body: `<p>${CANARY}</p>`, contentType: "text/html" },
  "arguments that are no JSON": callTools([call("execute_pipeline", `{"${CANARY}": `)]),
  "a tool that throws": callTools([call("search_tools", { query: CANARY })]),
};

describe("canary", () => {
  test.each(Object.entries(STEPS))("%s gives nothing away", async (_, step) => {
    const written: string[] = [];
    const methods = ["debug", "info", "log", "warn", "error"] as const;
    const spies = methods.map((method) =>
      vi.spyOn(console, method).mockImplementation((...parts) => void written.push(JSON.stringify(parts))),
    );
    server.script = inOrder(step);
    // What stands behind its ports throws.
    const toolbox = toolboxOf(null, { signal: new AbortController().signal, ports: {} } as ToolContext);
    const { ports, settled } = world(openAi(server.baseUrl), toolbox);
    const task = agentTask({ task: `Do ${CANARY}.`, maxTurns: 2 });
    const result = await runAgent({ ...task, context: { ...task.context, input: { secret: CANARY } } }, ports);
    for (const spy of spies) spy.mockRestore();
    const { outcome } = result;
    expect(outcome.ok).toBe(false);
    const left = JSON.stringify([outcome, result.metrics, result.warnings, settled, written]);
    expect(left).not.toContain(CANARY);
    expect(left).not.toContain(CANARY_KEY);
  });

  test("the key goes to the provider in its header and nowhere else", async () => {
    server.script = inOrder(callTools([call("look", {})]), say("Done."));
    const look = tool("look", () => ({ ok: true, result: 1 }));
    const kept = new Map<string, string>();
    const { ports } = world(openAi(server.baseUrl), [look]);
    const conversations = {
      ...ports.conversations,
      keep: async (_: unknown, text: string) => void kept.set("it", text),
    };
    await runAgent(agentTask(), { ...ports, conversations });
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${CANARY_KEY}`);
    expect(JSON.stringify(server.requests.map(({ body }) => body))).not.toContain(CANARY_KEY);
    expect(JSON.stringify([...kept.values()])).not.toContain(CANARY_KEY);
  });

  test("what is kept of a conversation is read back alike, and nothing else is taken for one", () => {
    const conversation = new Conversation([{ role: "system", text: "rules" }]);
    conversation.addReply({ text: "", toolCalls: [{ id: "1", name: "look", arguments: "{}" }] });
    const text = conversation.serialise() ?? "";
    expect(Conversation.parse(text)?.serialise()).toBe(text);
    for (const odd of ["", "{}", "null", text.slice(1), text.replace('"turns":1', '"turns":-1')]) {
      expect(Conversation.parse(odd)).toBeNull();
    }
  });
});
