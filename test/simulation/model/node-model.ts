/** What the model knows of one node of a run, from the log alone. */
import type { Timer, Wait } from "#engine/events.ts";
import type { NodeError } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { Given } from "../scenario/given.ts";
import type { ModelEdge } from "./definition-model.ts";

export type ModelStatus =
  | "pending"
  | "queued"
  | "running"
  | "waiting"
  | "completed"
  | "failed"
  | "skipped"
  | "cancelled";

/** What people were asked. */
export interface ModelApproval {
  id: string;
  quorum: number;
  votes: { key: string; decision: string; comments: string | null; at: string }[];
  /** The votes are enough. */
  isDue?: boolean;
  decided: boolean;
  expired: boolean;
}

export class NodeModel {
  readonly id: string;
  status: ModelStatus = "pending";
  visit = 0;
  attempt = 0;
  sends = 0;
  faults = 0;
  /** Incoming edges that have been resolved for this visit, and those of them that were taken, in order. */
  readonly resolved = new Set<ModelEdge>();
  readonly taken: ModelEdge[] = [];
  /** When the run may do something about it by itself, and why. */
  due: { why: "dispatch" | "execution" | "retry" | "timer"; timer?: Timer; atMs: number } | null = null;
  /** Of a waiting node: what for, since when, by which config, and the timer that has gone off. */
  wait: Wait | null = null;
  sinceMs = 0;
  config: JsonObject = {};
  fired: Timer | null = null;
  mustSetTimer = false;
  approval: ModelApproval | null = null;
  /** What a replay puts in the place of members of its config. */
  override: JsonObject | null = null;
  escalated = false;
  /** Of a map: what it works off, how far it has come, and what was given by index. */
  items: { list: readonly Json[]; started: number; results: Map<number, Json> } | null = null;
  /** Of a node that waits for a run: what it hands to it. */
  childInputs: Json = null;
  /** The kept signal that it takes as it begins. */
  signal: number | null = null;
  /** Since when its edges have said what becomes of it. */
  decidedAtMs: number | null = null;
  beganSeq = 0;
  endedSeq = 0;
  /** What the node must give; null when workers say it. */
  expected: Given | null = null;
  /** What it gave, or that it gave nothing, each time it ended, the latest last. */
  readonly given: { seq: number; output: Json | undefined }[] = [];
  /** The loop whose way back led here last. */
  again: string | null = null;
  error: NodeError | null = null;
  /** The last life in which it was handed over again without being due. */
  recoveredInLife = 1;

  constructor(id: string) {
    this.id = id;
  }

  /** A visit begins: what the one before waited for is of the past. */
  begin({ visit, attempt, seq }: { visit: number; attempt: number; seq: number }): void {
    this.visit = visit;
    this.attempt = attempt;
    this.beganSeq = seq;
    this.sends = 0;
    this.faults = 0;
    this.error = null;
    this.wait = null;
    this.fired = null;
    this.approval = null;
    this.escalated = false;
    this.items = null;
    this.signal = null;
  }

  get isActive(): boolean {
    return this.status === "queued" || this.status === "running" || this.status === "waiting";
  }

  end(status: ModelStatus, seq: number, output?: Json): void {
    this.status = status;
    this.endedSeq = seq;
    this.due = null;
    this.given.push({ seq, output });
  }

  /** What others could read of it when event `before` happened; undefined: nothing. */
  outputBefore(before = Number.POSITIVE_INFINITY): Json | undefined {
    return this.given.findLast(({ seq }) => seq < before)?.output;
  }

  /** It is to run again: its visits and what it gave stay, its edges are the caller's business. */
  reset(): void {
    this.status = "pending";
    this.due = null;
    this.decidedAtMs = null;
    this.error = null;
    this.expected = null;
    // It was for the visit that a replay began.
    this.override = null;
  }

  /** Edges that are unresolved again. */
  unresolve(isMeant: (edge: ModelEdge) => boolean): void {
    for (const edge of this.resolved) if (isMeant(edge)) this.resolved.delete(edge);
    this.taken.splice(0, this.taken.length, ...this.taken.filter((edge) => !isMeant(edge)));
  }
}
