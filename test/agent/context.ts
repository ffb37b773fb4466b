/** A tool context for tests: ports that answer as told and record what they were asked, and a run with two nodes. */
import { PipelineSessions } from "#agent/pipeline/sessions.ts";
import type { ToolAnswer, ToolContext, ToolName, ToolPorts, ToolRequest, ToolResponse } from "#agent/tool.ts";
import { TOOL_NAMES } from "#agent/tool.ts";
import { callTool } from "#agent/tools/call-tool.ts";
import { fail, type NodeError, ok, type Result } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";

export const NOW_MS = Date.parse("2026-05-01T00:00:00Z");
export const CONTENT_ID = `sha256:${"ab".repeat(32)}`;

export interface Asked {
  requests: ToolRequest[];
  patches: { operations: Json[]; description: string | null; tag?: string }[];
  delegated: { agent: string; inputs: JsonObject }[];
  documents: string[];
}

export interface TestContext extends ToolContext {
  asked: Asked;
}

/** `answer` stands for every server; `ports` replace single ports. */
export function testContext(
  answer: (request: ToolRequest) => Result<Json, NodeError> = () => ok(null),
  ports: Partial<ToolPorts> = {},
): TestContext {
  const asked: Asked = { requests: [], patches: [], delegated: [], documents: [] };
  const nodes: ReadonlyMap<string, Json> = new Map<string, Json>([
    ["orders", { body: { rows: [{ id: 1, total: 5 }], "a.b": 2 } }],
    ["customers", [{ id: 1, name: "Ada" }]],
  ]);
  return {
    asked,
    tenant: "acme",
    runId: "run_xx00001J000000000000000000000",
    node: "think",
    visit: 1,
    attempt: 1,
    depth: 0,
    signal: new AbortController().signal,
    variables: { inputs: { list: [3, 1, 2], name: "x" }, node: (id) => nodes.get(id) },
    sessions: new PipelineSessions(),
    nowMs: () => NOW_MS,
    ports: {
      http: async (request) => {
        asked.requests.push(request);
        const body = answer(request);
        return body.ok ? ok(responseOf(body.value)) : body;
      },
      readContent: async (id) => (id === CONTENT_ID ? { kept: true } : null),
      proposePatch: async (operations, description) => {
        asked.patches.push({ operations, description });
        return ok({ diff: ["node check added"] });
      },
      proposeWorkflowChange: async (tag, operations, description) => {
        asked.patches.push({ operations, description, tag });
        return ok({ proposal_id: "prop_1" });
      },
      workflows: async () => [],
      delegate: async (agent, inputs) => {
        asked.delegated.push({ agent, inputs });
        return ok({ done: agent });
      },
      openApi: async (url) => {
        asked.documents.push(url);
        return fail("there is nothing there");
      },
      ...ports,
    },
  };
}

function responseOf(body: Json): ToolResponse {
  return { status_code: 200, headers: {}, body, bytes_in: 0, bytes_out: 0 };
}

/** A call as a model makes it. */
export function call(
  name: ToolName | string,
  args: unknown,
  context: ToolContext = testContext(),
  allowed: readonly ToolName[] = TOOL_NAMES,
): Promise<ToolAnswer> {
  return callTool(
    { name, arguments: typeof args === "string" ? args : JSON.stringify(args) },
    allowed,
    context,
    (error) => {
      throw error;
    },
  );
}

/** A pipeline over `input`, which a session holds; its result, or the error. */
export async function pipeline(
  steps: unknown,
  input: Json,
  context: ToolContext = testContext(),
): Promise<Json | Error> {
  const kept = context.sessions.keep("input", input, 0);
  if (!kept.ok) throw new Error(kept.error);
  const answer = await call("execute_pipeline", { pipeline: steps, input_ref: "$session.input" }, context);
  return answer.ok ? answer.result : new Error(answer.error);
}
