/** What is simulated: everything that a seed decides, as data, so that it can be made smaller and told to somebody. */
import type { ReplayMode } from "#engine/events.ts";
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

/** `of`: not the run itself but one of those that came of it, its children and replays. */
export type Command = { atMs: number; run: string; of?: number } & (
  | { type: "cancel" }
  | { type: "pause" }
  | { type: "resume" }
  | { type: "revert_patch" }
  | { type: "signal"; name: string; payload: Json }
  /** A vote on one of the approvals that are open then. */
  | { type: "decide"; voter: string; decision: "approve" | "reject"; which: number }
  | { type: "replay_node"; which: number; force: boolean; override: boolean }
  /** A new run in its place: from a node on, of another of the scenario's workflows, with other inputs. */
  | {
      type: "replay_run";
      mode: ReplayMode;
      which: number;
      fromNode: boolean;
      version: number | null;
      inputs: boolean;
    }
  /** A patch of the workflow as it is then. */
  | { type: "patch"; how: PatchKind; which: number }
  | { type: "decide_patch"; decision: "approve" | "reject" }
  /** Reads the run's events in pages of this size. */
  | { type: "read"; limit: number }
  | { type: "wait"; waitMs: number }
  /** The same start once more; with another body when it says so. */
  | { type: "start_again"; otherBody: boolean }
  /** A result for an attempt that was never handed out. */
  | { type: "forge"; node: string; visit: number; attempt: number }
);

/**
 * An object is lost with what it had not flushed, or evicted while idle; `all`: the whole process dies; `wrecked`: the
 * object is lost, and the rows of one of its runs can never be read again.
 */
export interface Crash {
  atMs: number;
  what: "lost" | "evicted" | "all" | "wrecked";
  shard: number;
}

/** How workers answer. */
export interface Answers {
  /** Parts of all answers. */
  retryable: number;
  fatal: number;
  throws: number;
  /** Tasks that end their worker's invocation whenever they are executed, until their queue gives them up. */
  kills: number;
  slow: number;
  large: number;
}

export interface Scenario {
  seed: number;
  /** Locally queues live in memory and die with the process. */
  local: boolean;
  shards: number;
  /** Longest ordinary delays, in milliseconds; `batch`: queues hand over, and tasks end, at multiples of this. */
  delays: { call: number; flush: number; alarm: number; message: number; database: number; batch: number };
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
