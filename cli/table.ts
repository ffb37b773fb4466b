/** Text in columns, as wide as the terminal is. */
import stringWidth from "string-width";

export interface Cell {
  text: string;
  /** Applied after padding, so that colours do not count as width. */
  paint?: (text: string) => string;
}

export interface Column {
  title: string;
  align?: "left" | "right";
  /** Gives way when the line is too long for the terminal; the last one that may. */
  mayShrink?: boolean;
}

const GAP = "  ";
const SHRUNK_WIDTH_MIN = 8;

/** The header and a line for each row. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly (Cell | string)[])[],
  width: number,
  paintHeader: (text: string) => string,
): string[] {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === "string" ? { text: cell } : cell)));
  const widths = columns.map((column, index) =>
    Math.max(stringWidth(column.title), ...cells.map((row) => stringWidth(row[index]?.text ?? ""))),
  );
  shrink(columns, widths, width);
  const line = (row: readonly Cell[]) =>
    columns
      .map((column, index) => {
        const cell = row[index] ?? { text: "" };
        const padded = pad(truncate(cell.text, widths[index] ?? 0), widths[index] ?? 0, column.align ?? "left");
        return cell.paint === undefined ? padded : cell.paint(padded);
      })
      .join(GAP)
      .trimEnd();
  return [paintHeader(line(columns.map(({ title }) => ({ text: title })))), ...cells.map(line)];
}

function shrink(columns: readonly Column[], widths: number[], width: number): void {
  const total = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1);
  let excess = total - width;
  for (let index = columns.length - 1; index >= 0 && excess > 0; index--) {
    if (columns[index]?.mayShrink !== true) continue;
    const given = Math.min(excess, Math.max(0, (widths[index] ?? 0) - SHRUNK_WIDTH_MIN));
    widths[index] = (widths[index] ?? 0) - given;
    excess -= given;
  }
}

/** The text in at most `width` columns, with an ellipsis where it was cut. */
export function truncate(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let cut = "";
  let used = 0;
  for (const character of text) {
    used += stringWidth(character);
    if (used > width - 1) break;
    cut += character;
  }
  return `${cut}…`;
}

function pad(text: string, width: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, width - stringWidth(text)));
  return align === "left" ? text + space : space + text;
}
