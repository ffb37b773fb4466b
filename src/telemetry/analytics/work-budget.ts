/** What one query may cost: rows times expressions, values kept in memory, and time. Beyond it the query is refused. */
import { KEPT_VALUES_MAX, QUERY_MS_MAX, QUERY_WORK_MAX } from "./limits.ts";
import { SqlError, START } from "./sql-error.ts";

export interface WorkBounds {
  work: number;
  keptValues: number;
  milliseconds: number;
}

const BOUNDS: WorkBounds = { work: QUERY_WORK_MAX, keptValues: KEPT_VALUES_MAX, milliseconds: QUERY_MS_MAX };

const NARROW = "narrow it with timestamp > NOW() - INTERVAL '1' DAY";

export class WorkBudget {
  readonly #bounds: WorkBounds;
  readonly #now: () => number;
  readonly #until: number;
  #work = 0;
  #kept = 0;

  constructor(now: () => number, bounds: WorkBounds = BOUNDS) {
    this.#bounds = bounds;
    this.#now = now;
    this.#until = now() + bounds.milliseconds;
  }

  spend(rows: number): void {
    this.#work += rows;
    if (this.#work > this.#bounds.work) {
      throw new SqlError(START, `the query takes more than ${this.#bounds.work} steps: ${NARROW}`);
    }
  }

  keep(values: number): void {
    this.#kept += values;
    if (this.#kept > this.#bounds.keptValues) {
      throw new SqlError(START, `the query keeps more than ${this.#bounds.keptValues} values in memory: ${NARROW}`);
    }
  }

  /** Called between blocks. */
  checkTime(): void {
    if (this.#now() > this.#until) {
      throw new SqlError(START, `the query takes longer than ${this.#bounds.milliseconds} ms: ${NARROW}`);
    }
  }
}
