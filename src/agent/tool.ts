/**
 * What a tool of an agent is: how a model sees it, what it may reach (`ToolPorts`) and what it answers. The five tools
 * are `tools/`; who calls a model, and who stands behind the ports, is decided elsewhere.
 */
import type { HttpMethod, QueryValue } from "#http/prepare.ts";
import type { NodeError, Problem, Result } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import { AGENT_TOOLS } from "#workflow/node-configs.ts";
import type { PipelineSessions } from "./pipeline/sessions.ts";

/** In the order in which a model is told of them: the same bytes for every call, so that providers cache the prefix. */
export const TOOL_NAMES = AGENT_TOOLS;
export type ToolName = (typeof TOOL_NAMES)[number];

/** A request that a tool makes. `secrets` are the only ones that may be used; none when absent. */
export interface ToolRequest {
  method: HttpMethod;
  url: string;
  headers?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, QueryValue | readonly QueryValue[]>>;
  /** A string is sent as it is, anything else as JSON. */
  payload?: Json;
  secrets?: readonly string[];
}

export interface ToolResponse {
  status_code: number;
  headers: JsonObject;
  body: Json;
  bytes_in: number;
  bytes_out: number;
}

/** A patch that was refused: why, what is wrong where, and a patch of the kind that is accepted. */
export interface PatchRefusal {
  reason: string;
  problems: Problem[];
  example: Json;
}

/** A stored workflow of the tenant, as `search_tools` finds it. */
export interface WorkflowListing {
  tag: string;
  name: string | null;
  description: string | null;
  /** Nodes of type `agent`; such workflows can be delegated to. */
  agents: number;
}

/** The world as tools reach it, all of it for one tenant. Expected outcomes are values; what throws is a fault. */
export interface ToolPorts {
  /** Through the URL guard, with the secrets' bindings and redaction; any status but 2xx is an error. */
  http(request: ToolRequest): Promise<Result<ToolResponse, NodeError>>;
  /** Content by address (`sha256:…`); null when this tenant has none such. */
  readContent(id: string): Promise<Json | null>;
  /**
   * Asks for a change of the run under way, judged on its result; it happens when the node's answer is accepted. `gated`:
   * not before a human has agreed.
   */
  proposePatch(
    operations: Json[],
    description: string | null,
  ): Promise<Result<{ diff: string[]; gated?: true }, PatchRefusal>>;
  /** Keeps a change of a stored workflow for a human to decide. */
  proposeWorkflowChange(
    tag: string,
    operations: Json[],
    description: string | null,
  ): Promise<Result<{ proposal_id: string }, string>>;
  /** The tenant's workflows, at most `limit`. */
  workflows(limit: number): Promise<WorkflowListing[]>;
  /** Runs a workflow as a child and waits for its outputs. */
  delegate(agent: string, inputs: JsonObject): Promise<Result<Json, string>>;
  /** A parsed OpenAPI document, fetched through the guard and cached. */
  openApi(url: string): Promise<Result<Json, string>>;
}

/** What references of a tool's arguments may read. */
export interface ToolVariables {
  inputs: Json;
  /** The output of a completed node; undefined when it has none (yet). */
  node(id: string): Json | undefined;
}

/** One attempt of an agent node, as the tools that it calls see it. */
export interface ToolContext {
  tenant: string;
  runId: string;
  node: string;
  visit: number;
  attempt: number;
  /** How many runs stand above this one. */
  depth: number;
  signal: AbortSignal;
  ports: ToolPorts;
  variables: ToolVariables;
  /** Results that pipelines of this attempt kept. */
  sessions: PipelineSessions;
  nowMs(): number;
}

/** An error is an answer that the model can act on; `example` is a correct call, or a part of one. */
export type ToolAnswer = { ok: true; result: Json } | { ok: false; error: string; example?: Json };

export interface Tool {
  name: ToolName;
  description: string;
  /** JSON Schema of the arguments. */
  parameters: JsonObject;
  /** A correct call's arguments. */
  example: JsonObject;
  /** True when a call with these arguments changes nothing, so that it may run beside others of the same turn. */
  readsOnly(args: unknown): boolean;
  /** Arguments as parsed JSON. Never throws for what the model did wrong; see `tools/call-tool.ts`. */
  run(args: unknown, context: ToolContext): Promise<ToolAnswer>;
}
