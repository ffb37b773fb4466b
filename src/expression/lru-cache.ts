/** A bounded cache of computed values that forgets the least recently used first. */
export class LruCache<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value kept for `key`, or what `compute` makes of it, which is then kept. */
  get(key: string, compute: () => Value): Value {
    const kept = this.#entries.get(key);
    const value = kept ?? compute();
    // A Map iterates in order of insertion: to insert again is to be the most recent.
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#capacity) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return value;
  }
}
