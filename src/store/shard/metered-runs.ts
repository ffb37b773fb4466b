/** Runs that have not ended, as the Meter counts them: at the position in the log up to which it has been told. */

/** How a run that has not ended is counted. */
export interface LiveRun {
  status: string;
  /** Approvals that it waits for. */
  pending: number;
}

export class MeteredRuns {
  readonly #sql: SqlStorage;
  /** Runs by status, and approvals that are waited for. */
  readonly #counts = new Map<string, number>();
  #pending = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.reload();
  }

  /** Counts anew what the table holds. */
  reload(): void {
    this.#counts.clear();
    this.#pending = 0;
    for (const { status, runs, pending } of this.#sql.exec<{ status: string; runs: number; pending: number }>(
      "SELECT status, count(*) AS runs, sum(pending) AS pending FROM metered_run GROUP BY status",
    )) {
      this.#counts.set(status, runs);
      this.#pending += pending;
    }
  }

  get(runId: string): LiveRun | null {
    const sql = "SELECT status, pending FROM metered_run WHERE run_id = ?";
    return this.#sql.exec<{ status: string; pending: number }>(sql, runId).toArray()[0] ?? null;
  }

  /** How many there would be of a status after these changes. */
  count(status: string, changes: readonly RunChange[]): number {
    let count = this.#counts.get(status) ?? 0;
    for (const { before, after } of changes) {
      if (before?.status === status) count -= 1;
      if (after?.status === status) count += 1;
    }
    return count;
  }

  pending(changes: readonly RunChange[]): number {
    return changes.reduce(
      (sum, { before, after }) => sum + (after?.pending ?? 0) - (before?.pending ?? 0),
      this.#pending,
    );
  }

  /** Writes the changes down. */
  apply(changes: readonly RunChange[]): void {
    for (const { runId, before, after } of changes) {
      if (after === null) {
        if (before !== null) this.#sql.exec("DELETE FROM metered_run WHERE run_id = ?", runId);
      } else if (before?.status !== after.status || before.pending !== after.pending) {
        this.#sql.exec(
          `INSERT INTO metered_run (run_id, status, pending) VALUES (?1, ?2, ?3)
           ON CONFLICT (run_id) DO UPDATE SET status = ?2, pending = ?3`,
          runId,
          after.status,
          after.pending,
        );
      }
    }
    for (const status of new Set(changes.flatMap(({ before, after }) => [before?.status ?? "", after?.status ?? ""]))) {
      if (status !== "") this.#counts.set(status, this.count(status, changes.filter(isOf(status))));
    }
    this.#pending = this.pending(changes);
  }
}

export interface RunChange {
  runId: string;
  before: LiveRun | null;
  /** Null: it has ended. */
  after: LiveRun | null;
}

function isOf(status: string): (change: RunChange) => boolean {
  return ({ before, after }) => before?.status === status || after?.status === status;
}
