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

/** Columns that stay however narrow the terminal is: what a row is about. */
const COLUMNS_KEPT = 2;

/** The header and a line for each row. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly (Cell | string)[])[],
  width: number,
  paintHeader: (text: string) => string,
): string[] {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === "string" ? { text: cell } : cell)));
  const shown = fitColumns(
    columns.map((column, index) => ({
      column,
      index,
      width: Math.max(stringWidth(column.title), ...cells.map((row) => stringWidth(row[index]?.text ?? ""))),
    })),
    width,
  );
  const line = (row: readonly Cell[]) =>
    shown
      .map(({ column, index, width: ownWidth }) => {
        const cell = row[index] ?? { text: "" };
        const padded = pad(truncate(cell.text, ownWidth), ownWidth, column.align ?? "left");
        return cell.paint === undefined ? padded : cell.paint(padded);
      })
      .join(GAP)
      .trimEnd();
  return [paintHeader(line(columns.map(({ title }) => ({ text: title })))), ...cells.map(line)];
}

interface Sized {
  column: Column;
  index: number;
  width: number;
}

/** First the columns that may become narrower, from the right; then whole columns go, those first. */
function fitColumns(columns: Sized[], width: number): Sized[] {
  const shown = [...columns];
  const excess = () => shown.reduce((sum, each) => sum + each.width + GAP.length, -GAP.length) - width;
  for (const each of shown.toReversed()) {
    if (each.column.mayShrink !== true || excess() <= 0) continue;
    each.width -= Math.min(excess(), Math.max(0, each.width - SHRUNK_WIDTH_MIN));
  }
  while (excess() > 0 && shown.length > COLUMNS_KEPT) {
    const narrowed = shown.findLastIndex((each, at) => at >= COLUMNS_KEPT && each.column.mayShrink === true);
    shown.splice(narrowed === -1 ? shown.length - 1 : narrowed, 1);
  }
  return shown;
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
