/** Figures of the installation and the tenant: a summary, series over time, and SQL over points. */
import type { MetricsSummary, SqlResult, TimeSeries, TimeSeriesQuery } from "./api.ts";
import type { CallOptions, Transport } from "./transport.ts";

export class Metrics {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Of the last `15m`, `6h`, `7d`; an hour by itself. */
  summary(window = "1h", options: CallOptions = {}): Promise<MetricsSummary> {
    return this.#transport.call("$get", "/api/v1/metrics/summary", { query: { window } }, options);
  }

  timeSeries(query: TimeSeriesQuery, options: CallOptions = {}): Promise<TimeSeries> {
    return this.#transport.call("$get", "/api/v1/metrics/timeseries", { query }, options);
  }

  /** Rows of a query in the dialect of Analytics Engine. */
  async sql(query: string, options: CallOptions = {}): Promise<SqlResult> {
    return JSON.parse(await this.sqlText(query, options)) as SqlResult;
  }

  /** The same as text, in whatever `FORMAT` the query asks for. */
  async sqlText(query: string, options: CallOptions = {}): Promise<string> {
    const parts = { text: query };
    const response = await this.#transport.send("POST", "/api/v1/analytics/sql", parts, {
      ...options,
      isRepeatable: true,
    });
    return response.text();
  }
}
