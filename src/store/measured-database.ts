/** D1 as it is, with each statement counted and timed. A batch counts once: it is one way there and back. */
import * as metrics from "#telemetry/catalogue/platform-metrics.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";

const OPS: ReadonlySet<string> = new Set(["select", "insert", "update", "delete"]);

export function measuredDatabase(database: D1Database, recorder: MetricRecorder): D1Database {
  const measure = <Answer>(op: string, ask: () => Promise<Answer>) => measured(op, ask, recorder);
  const measuredOne: Partial<D1Database> = {
    prepare: (sql) =>
      new MeasuredStatement(database.prepare(sql), opOf(sql), recorder) as unknown as D1PreparedStatement,
    batch: <Row>(statements: D1PreparedStatement[]) =>
      measure("batch", () => database.batch<Row>(statements.map((statement) => bare(statement)))),
    exec: (sql) => measure("other", () => database.exec(sql)),
  };
  return new Proxy(database, {
    get(target, name) {
      const own = measuredOne[name as keyof D1Database];
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function opOf(sql: string): string {
  const word = /^\s*(\w+)/.exec(sql)?.[1]?.toLowerCase() ?? "";
  return OPS.has(word) ? word : "other";
}

/** What a batch is made of: the platform takes its own statements alone. */
function bare(statement: D1PreparedStatement): D1PreparedStatement {
  return statement instanceof MeasuredStatement ? statement.statement : statement;
}

class MeasuredStatement {
  readonly statement: D1PreparedStatement;
  readonly #op: string;
  readonly #recorder: MetricRecorder;

  constructor(statement: D1PreparedStatement, op: string, recorder: MetricRecorder) {
    this.statement = statement;
    this.#op = op;
    this.#recorder = recorder;
  }

  bind(...values: unknown[]): MeasuredStatement {
    return new MeasuredStatement(this.statement.bind(...values), this.#op, this.#recorder);
  }

  first(column?: string): Promise<unknown> {
    return measured(
      this.#op,
      () => (column === undefined ? this.statement.first() : this.statement.first(column)),
      this.#recorder,
    );
  }

  run(): Promise<D1Result> {
    return measured(this.#op, () => this.statement.run(), this.#recorder);
  }

  all(): Promise<D1Result> {
    return measured(this.#op, () => this.statement.all(), this.#recorder);
  }

  raw(options?: { columnNames?: false }): Promise<unknown[]> {
    return measured(this.#op, () => this.statement.raw(options), this.#recorder);
  }
}

async function measured<Answer>(op: string, ask: () => Promise<Answer>, recorder: MetricRecorder): Promise<Answer> {
  const startMs = Date.now();
  let outcome = "error";
  try {
    const answer = await ask();
    outcome = "ok";
    const { rows_read, rows_written } = rowsOf(answer);
    if (rows_read > 0) recorder.count(metrics.d1RowsRead, [op], rows_read);
    if (rows_written > 0) recorder.count(metrics.d1RowsWritten, [op], rows_written);
    return answer;
  } finally {
    recorder.count(metrics.d1Queries, [op, outcome]);
    recorder.observe(metrics.d1Duration, [op], (Date.now() - startMs) / 1_000);
  }
}

/** `first` and `raw` do not say what they read. */
function rowsOf(answer: unknown): { rows_read: number; rows_written: number } {
  const results = (Array.isArray(answer) ? answer : [answer]) as ({ meta?: Partial<D1Meta> } | null)[];
  const sum = { rows_read: 0, rows_written: 0 };
  for (const result of results) {
    sum.rows_read += result?.meta?.rows_read ?? 0;
    sum.rows_written += result?.meta?.rows_written ?? 0;
  }
  return sum;
}
