/** Watches the rows of runs in D1: none goes backwards, and each shows what the log said at its number. */
import type { RunModel } from "../model/run-model.ts";
import { must } from "../model/violation.ts";
import type { SimulatedDatabase } from "../platform/database.ts";

interface ProjectedRow {
  run_id: string;
  seq: number;
  status: string;
  ended_at: number | null;
}

export class ProjectionWatch {
  readonly #database: SimulatedDatabase;
  readonly #runs: ReadonlyMap<string, RunModel>;
  readonly #seen = new Map<string, number>();
  #isTouched = false;

  constructor(database: SimulatedDatabase, runs: ReadonlyMap<string, RunModel>) {
    this.#database = database;
    this.#runs = runs;
  }

  touch(): void {
    this.#isTouched = true;
  }

  look(): void {
    if (!this.#isTouched) return;
    this.#isTouched = false;
    for (const row of this.#rows()) {
      const before = this.#seen.get(row.run_id) ?? 0;
      must(row.seq >= before, "views", () => `the row of ${row.run_id} goes back from ${before} to ${row.seq}`);
      this.#seen.set(row.run_id, row.seq);
      const run = this.#runs.get(row.run_id);
      must(
        run !== undefined && row.seq <= run.seq,
        "views",
        () => `D1 shows ${row.run_id} at ${row.seq}, which no log holds`,
      );
      const status = run.statuses[row.seq - 1];
      must(
        row.status === status,
        "views",
        () => `D1 shows ${row.run_id} as ${row.status} at ${row.seq}: it was ${status}`,
      );
    }
  }

  /** Whether D1 shows every run as it stands. */
  get isUpToDate(): boolean {
    const rows = new Map(this.#rows().map((row) => [row.run_id, row]));
    return [...this.#runs.values()].every((run) => run.isWrecked || rows.get(run.runId)?.seq === run.seq);
  }

  #rows(): ProjectedRow[] {
    return this.#database.look("SELECT run_id, seq, status, ended_at FROM runs") as unknown as ProjectedRow[];
  }
}
