/**
 * The only place that writes to the terminal: plain lines, colours only where a person looks at them. What is said
 * belongs to the callers.
 */

/** Writes a line to standard output. */
export function print(line = "") {
  process.stdout.write(`${line}\n`);
}

/** Writes a line to standard error. @param {string} line */
export function complain(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * @typedef {"bold" | "dim" | "green" | "red" | "yellow" | "cyan"} Style
 * @typedef {(style: Style, text: string) => string} Paint
 */

/** @type {Record<Style, number>} */
const CODES = { bold: 1, dim: 2, green: 32, red: 31, yellow: 33, cyan: 36 };

/** Paints nothing: for files, pipes and tests. @type {Paint} */
export const plain = (_style, text) => text;

/**
 * Paints on a terminal whose owner did not set NO_COLOR (https://no-color.org).
 * @param {{ isTTY?: boolean }} stream
 * @param {Record<string, string | undefined>} environment
 * @returns {Paint}
 */
export function paintFor(stream, environment) {
  if (stream.isTTY !== true || (environment.NO_COLOR ?? "") !== "") return plain;
  return (style, text) => `\u001b[${CODES[style]}m${text}\u001b[0m`;
}
