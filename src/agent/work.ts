/**
 * The work that one tool call may do. Data and programs of a tool come from models and servers, so everything that
 * loops over them pays as it goes; what is used up ends the call, not the worker.
 */

/** Ends the call; nothing but the code that made the budget catches it. */
export class WorkExceeded extends Error {}

export class Work {
  readonly #granted: number;
  #left: number;

  /** A unit is about a tenth of a microsecond: one value looked at, or four characters of text. */
  constructor(units: number) {
    this.#granted = units;
    this.#left = units;
  }

  charge(units: number): void {
    this.#left -= units;
    if (this.#left < 0) throw new WorkExceeded(`takes more than ${this.#granted} units of work`);
  }

  /** The price of looking at text once. */
  chargeText(length: number): void {
    this.charge((length >> 2) + 1);
  }
}
