/** Draws a finished run as a small waterfall: a row for each node, its wait, its execution and a bar. Pure. */

/**
 * @typedef {import("./output.mjs").Paint} Paint
 * @typedef {import("./output.mjs").Style} Style
 *
 * @typedef {object} NodeMetrics
 * @property {string} sent_at
 * @property {string} start_time
 * @property {string} end_time
 * @property {number} queue_time_ms
 * @property {number} execution_time_ms
 *
 * @typedef {object} NodeExecution
 * @property {string} type
 * @property {string} status
 * @property {NodeMetrics | null} [metrics]
 *
 * @typedef {object} RunDetails The parts of `GET /runs/{id}/details` that are drawn.
 * @property {Record<string, NodeExecution>} node_executions
 */

const BAR_WIDTH = 32;
/** @type {Record<string, Style>} */
const STATUS_STYLES = { completed: "green", failed: "red", skipped: "dim", cancelled: "yellow" };

/** Lines of the waterfall, in the order of the nodes' starts. @param {RunDetails} details @param {Paint} paint */
export function renderTimeline(details, paint) {
  const rows = Object.entries(details.node_executions).map(([id, execution]) => rowOf(id, execution));
  rows.sort((left, right) => left.sentAt - right.sentAt || left.endAt - right.endAt);
  const from = Math.min(...rows.map((row) => row.sentAt));
  const to = Math.max(...rows.filter((row) => row.ran).map((row) => row.endAt), from);

  const table = rows.map((row) => ({
    cells: [
      row.id,
      row.type,
      row.ran ? duration(row.waitMs) : "",
      row.ran ? duration(row.executionMs) : "",
      row.status,
    ],
    bar: row.ran ? bar(row, from, to, paint) : "",
    row,
  }));
  const header = ["node", "type", "wait", "execution", "status"];
  const widths = header.map((title, column) =>
    Math.max(title.length, ...table.map(({ cells }) => (cells[column] ?? "").length)),
  );
  const pad = (/** @type {string} */ cell, /** @type {number} */ column) => {
    const isNumber = column === 2 || column === 3;
    return isNumber ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  };
  return [
    paint("dim", header.map(pad).join("  ").trimEnd()),
    ...table.map(({ cells, bar: drawn, row }) => {
      const padded = cells.map(pad);
      const status = paint(STATUS_STYLES[row.status] ?? "cyan", padded[4] ?? "");
      return `${[...padded.slice(0, 4), status, drawn].join("  ")}`.trimEnd();
    }),
  ];
}

/** A span of time with three significant places. @param {number} ms */
export function duration(ms) {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 100_000 ? `${(ms / 1_000).toFixed(2)} s` : `${Math.round(ms / 1_000)} s`;
}

/** @param {string} id @param {NodeExecution} execution */
function rowOf(id, execution) {
  const { metrics } = execution;
  const hasRun = metrics !== null && metrics !== undefined;
  return {
    id,
    type: execution.type,
    status: execution.status,
    ran: hasRun,
    // What never ran stands last.
    sentAt: hasRun ? Date.parse(metrics.sent_at) : Number.POSITIVE_INFINITY,
    startAt: hasRun ? Date.parse(metrics.start_time) : Number.POSITIVE_INFINITY,
    endAt: hasRun ? Date.parse(metrics.end_time) : Number.POSITIVE_INFINITY,
    waitMs: metrics?.queue_time_ms ?? 0,
    executionMs: metrics?.execution_time_ms ?? 0,
  };
}

/**
 * Wait as dots, execution as blocks; at least one block, so that a node of no measurable time is still seen.
 * @param {{ sentAt: number, startAt: number, endAt: number }} row
 * @param {number} from
 * @param {number} to
 * @param {Paint} paint
 */
function bar(row, from, to, paint) {
  const column = (/** @type {number} */ at) => (to === from ? 0 : Math.round(((at - from) / (to - from)) * BAR_WIDTH));
  const sent = Math.min(column(row.sentAt), BAR_WIDTH - 1);
  const start = Math.min(Math.max(column(row.startAt), sent), BAR_WIDTH - 1);
  const end = Math.max(column(row.endAt), start + 1);
  return `${" ".repeat(sent)}${paint("dim", "·".repeat(start - sent))}${paint("cyan", "█".repeat(end - start))}`;
}
