/** What the model knows of one node of a run, from the log alone. */
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
  due: { why: "dispatch" | "execution" | "retry"; atMs: number } | null = null;
  /** Since when its edges have said what becomes of it. */
  decidedAtMs: number | null = null;
  beganSeq = 0;
  endedSeq = 0;
  /** What the node must give; null when workers say it. */
  expected: Given | null = null;
  /** The request that every attempt of a visit makes, by visit. */
  readonly configs = new Map<number, JsonObject>();
  output: Json = null;
  error: NodeError | null = null;
  /** The last life in which it was handed over again without being due. */
  recoveredInLife = 1;

  constructor(id: string) {
    this.id = id;
  }

  get isActive(): boolean {
    return this.status === "queued" || this.status === "running" || this.status === "waiting";
  }

  end(status: ModelStatus, seq: number): void {
    this.status = status;
    this.endedSeq = seq;
    this.due = null;
  }
}
