/** What an attempt of an agent node is given, and what it hands back. */
import type { CallMetrics, LlmMetrics } from "#engine/metrics.ts";
import type { AgentPatch } from "#engine/task.ts";
import type { NodeError } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { Usage } from "./usage.ts";

export interface AgentConfig {
  task: string;
  model: string;
  maxTurns: number;
  outputSchema: JsonObject | null;
  temperature: number | null;
  /** What this node's calls may cost together. */
  budgetUsd: number | null;
  /** A spent budget is a question to people, after which the work goes on. */
  asksForBudget: boolean;
}

/** What the model is shown besides its task: all of it data. */
export interface AgentContext {
  /** The run's inputs. */
  inputs: Json;
  /** The node's own input. */
  input: Json;
  /** The workflow as it is now. */
  workflow: JsonObject;
}

export interface AgentTask {
  tenant: string;
  runId: string;
  /** Tag or artifact that the run is of; null for a definition sent along. */
  workflow: string | null;
  node: string;
  visit: number;
  attempt: number;
  config: AgentConfig;
  context: AgentContext;
  timeoutMs: number;
}

/** `answer`: no tool was used; `pipeline`: data alone was worked on; `patch`: the workflow changed. */
export const LANES = ["answer", "pipeline", "patch"] as const;
export type Lane = (typeof LANES)[number];

export interface ToolCallSummary {
  tool: string;
  ok: boolean;
  error?: string;
}

export interface AgentUsage extends Usage {
  /** Null when the cost of a call is not known. */
  cost_usd: number | null;
  calls: number;
}

export interface AgentResult {
  outcome: { ok: true; output: JsonObject } | { ok: false; error: NodeError };
  /** Changes of the run that it asked for, refused ones included; the run takes them up with the accepted answer. */
  patches: AgentPatch[];
  metrics: LlmMetrics;
  /** Things that the run's reader should know, such as a budget that is nearly used up. */
  warnings: string[];
  /** What it did outside, and how much more than is listed. */
  calls: CallMetrics[];
  callsOmitted: number;
  /** Of model calls and of the requests of tools. */
  bytesIn: number;
  bytesOut: number;
}
