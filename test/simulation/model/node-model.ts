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
  }

  /** Edges that are unresolved again. */
  unresolve(isMeant: (edge: ModelEdge) => boolean): void {
    for (const edge of this.resolved) if (isMeant(edge)) this.resolved.delete(edge);
    this.taken.splice(0, this.taken.length, ...this.taken.filter((edge) => !isMeant(edge)));
  }
}
