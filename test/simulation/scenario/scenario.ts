/** What is simulated: everything that a seed decides, as data, so that it can be made smaller and told to somebody. */
import type { Json, JsonObject } from "#kernel/json.ts";
import type { EdgeDefinition, NodeDefinition } from "#workflow/definition.ts";
import type { FaultRates } from "../platform/faults.ts";
import type { Bounds } from "../platform/tuning.ts";

export interface Workflow {
  nodes: NodeDefinition[];
  edges: EdgeDefinition[];
  metadata?: { patch_policy: "gated" };
}

export interface RunScript {
  name: string;
  atMs: number;
  shard: number;
  /** Which of the scenario's workflows. */
  workflow: number;
  inputs: JsonObject;
  /** With a key, a repetition gives the same run. */
  key?: string;
}

/** What a patch does; `wrong`: never right, however the run stands. */
export const PATCH_KINDS = ["append", "insert", "branch", "remove", "wrong"] as const;
export type PatchKind = (typeof PATCH_KINDS)[number];

export type Command =
  | { type: "cancel"; atMs: number; run: string }
  | { type: "pause" | "resume"; atMs: number; run: string }
  | { type: "signal"; atMs: number; run: string; name: string; payload: Json }
  /** A vote on one of the approvals that are open then. */
  | { type: "decide"; atMs: number; run: string; voter: string; decision: "approve" | "reject"; which: number }
  | { type: "replay_node"; atMs: number; run: string; which: number; force: boolean; override: boolean }
  /** A patch of the workflow as it is then. */
  | { type: "patch"; atMs: number; run: string; how: PatchKind; which: number }
  | { type: "revert_patch"; atMs: number; run: string }
  | { type: "decide_patch"; atMs: number; run: string; decision: "approve" | "reject" }
  /** Reads the run's events in pages of this size. */
  | { type: "read"; atMs: number; run: string; limit: number }
  | { type: "wait"; atMs: number; run: string; waitMs: number }
  /** The same start once more; with another body when it says so. */
  | { type: "start_again"; atMs: number; run: string; otherBody: boolean }
  /** A result for an attempt that was never handed out. */
  | { type: "forge"; atMs: number; run: string; node: string; visit: number; attempt: number };

/** An object is lost with what it had not flushed, or evicted while idle; `all`: the whole process dies. */
export interface Crash {
  atMs: number;
  what: "lost" | "evicted" | "all";
  shard: number;
}

/** How workers answer. */
export interface Answers {
  /** Parts of all answers. */
  retryable: number;
  fatal: number;
  throws: number;
  slow: number;
  large: number;
}

export interface Scenario {
  seed: number;
  /** Locally queues live in memory and die with the process. */
  local: boolean;
  shards: number;
  /** Longest ordinary delays, in milliseconds. */
  delays: { call: number; flush: number; alarm: number; message: number; database: number };
  bounds: Bounds;
  rates: FaultRates;
  answers: Answers;
  /** When trouble ends. */
  healMs: number;
  workflows: Workflow[];
  runs: RunScript[];
  commands: Command[];
  crashes: Crash[];
  /** Exactly these faults instead of chance. */
  faults: string[] | null;
}
