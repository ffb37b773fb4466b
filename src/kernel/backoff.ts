/** How long to leave somebody in peace who has failed: longer each time, up to a bound, and not at all after a success. */

export class Backoff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  #failures = 0;

  /** Doubles from `firstMs` to `mostMs`. */
  constructor(firstMs = 1_000, mostMs = 60_000) {
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure; gives the milliseconds to wait before the next try. */
  failed(): number {
    this.#failures += 1;
    return Math.min(this.#firstMs * 2 ** (this.#failures - 1), this.#mostMs);
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
