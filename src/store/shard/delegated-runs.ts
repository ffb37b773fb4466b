/**
 * Runs of this shard that an agent has handed work to and that have not ended, by the agent's run. The worker that waits
 * for them may be lost: when the agent's run ends, what is still here is nobody's any more.
 */
export class DelegatedRuns {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  begun(parentId: string, runId: string): void {
    this.#sql.exec("INSERT OR IGNORE INTO delegated_run (parent_id, run_id) VALUES (?, ?)", parentId, runId);
  }

  ended(parentId: string, runId: string): void {
    this.#sql.exec("DELETE FROM delegated_run WHERE parent_id = ? AND run_id = ?", parentId, runId);
  }

  of(parentId: string): string[] {
    return this.#sql
      .exec<{ run_id: string }>("SELECT run_id FROM delegated_run WHERE parent_id = ?", parentId)
      .toArray()
      .map((row) => row.run_id);
  }
}
