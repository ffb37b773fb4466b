/** What the tests of agents share: a task, ports with everything in memory, and the real client at a scripted server. */
import type { AgentPorts } from "#agent/agent-ports.ts";
import type { AgentConfig, AgentTask } from "#agent/agent-task.ts";
import type { Model } from "#agent/model.ts";
import { OpenAiModel } from "#agent/openai-model.ts";
import type { Admission, CallRequest, Settlement } from "#agent/spending.ts";
import type { ToolAnswer } from "#agent/tool.ts";
import type { Toolbox } from "#agent/tool-calls.ts";
import { systemClock } from "#kernel/clock.ts";
import type { Json } from "#kernel/json.ts";

export const CANARY_KEY = "sk-canary-3f9a77c1";

export function agentTask(config: Partial<AgentConfig> = {}, more: Partial<AgentTask> = {}): AgentTask {
  return {
    tenant: "default",
    runId: "run_1",
    workflow: "fetch-think-save",
    node: "think",
    visit: 1,
    attempt: 1,
    config: {
      task: "Summarise the input.",
      model: "gpt-5-mini",
      maxTurns: 8,
      outputSchema: null,
      temperature: null,
      budgetUsd: null,
      asksForBudget: false,
      ...config,
    },
    context: {
      inputs: { city: "Seattle" },
      input: { rows: [1, 2, 3] },
      workflow: { nodes: [{ id: "think", type: "agent", config: { task: "…" } }], edges: [] },
    },
    timeoutMs: 5_000,
    ...more,
  };
}

export function openAi(baseUrl: string, isStreamed = true): Model {
  const settings = { baseUrl, apiKey: CANARY_KEY, isStreamed };
  return new OpenAiModel(settings, (url, options) => fetch(url, options as RequestInit), systemClock);
}

export interface World {
  ports: AgentPorts;
  admitted: CallRequest[];
  settled: Settlement[];
  heard: { turn: number; piece: string }[];
  /** Kept conversations by node. */
  kept: Map<string, string>;
  controller: AbortController;
}

/** `admit` decides about each call, by its number; by default all are let in. */
export function world(
  model: Model,
  tools: readonly TestTool[] | Toolbox = [],
  admit: (request: CallRequest, index: number) => Admission = () => ({ admitted: true, price: null, warnings: [] }),
): World {
  const admitted: CallRequest[] = [];
  const settled: Settlement[] = [];
  const heard: { turn: number; piece: string }[] = [];
  const kept = new Map<string, string>();
  const controller = new AbortController();
  let calls = 0;
  const ports: AgentPorts = {
    model,
    spending: {
      async admit(request) {
        admitted.push(request);
        return admit(request, admitted.length - 1);
      },
      async settle(settlement) {
        settled.push(settlement);
      },
    },
    conversations: {
      load: async (task) => kept.get(task.node) ?? null,
      keep: async (task, text) => void kept.set(task.node, text),
      drop: async (task) => void kept.delete(task.node),
    },
    toolbox: () => ("specs" in tools ? tools : boxOf(tools)),
    isWanted: async () => true,
    hearText: (turn, piece) => void heard.push({ turn, piece }),
    clock: systemClock,
    newCallId: () => `call_${++calls}`,
    signal: controller.signal,
  };
  return { ports, admitted, settled, heard, kept, controller };
}

/** A tool of a test's own. */
export interface TestTool {
  name: string;
  readsOnly: boolean;
  run(args: Json): Promise<ToolAnswer> | ToolAnswer;
}

export function tool(name: string, run: TestTool["run"], readsOnly = true): TestTool {
  return { name, run, readsOnly };
}

function boxOf(tools: readonly TestTool[]): Toolbox {
  const find = (name: string) => tools.find((one) => one.name === name);
  return {
    specs: tools.map(({ name }) => ({ name, description: `the tool ${name}`, parameters: { type: "object" } })),
    readsOnly: ({ name }) => find(name)?.readsOnly ?? true,
    async call({ name, arguments: text }) {
      const known = find(name);
      if (known === undefined) return { ok: false, error: `there is no ${name}` };
      return known.run(JSON.parse(text) as Json);
    },
  };
}
