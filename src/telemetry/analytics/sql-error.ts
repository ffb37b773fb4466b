/** What is wrong with a query, and where. Thrown within the dialect and caught once, where a query comes in. */

/** A place in the text of a query: offset from 0, line and column from 1. */
export interface Place {
  offset: number;
  line: number;
  column: number;
}

export class SqlError extends Error {
  readonly place: Place;
  readonly reason: string;

  constructor(place: Place, reason: string) {
    super(`line ${place.line}, column ${place.column}: ${reason}`);
    this.name = "SqlError";
    this.place = place;
    this.reason = reason;
  }
}

export const START: Place = { offset: 0, line: 1, column: 1 };

/** A part of a query as it may stand in a message: short, and on one line. */
export function shown(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= 60 ? line : `${line.slice(0, 57)}…`;
}
