/**
 * Groups what arrives together into one commit. The first piece of work is done at once; what arrives while its
 * commit becomes durable waits and then shares the next one. A piece that throws takes only itself back.
 */

export interface Commit {
  /** Runs after the group is committed; not at all when the piece of work was taken back. */
  after(effect: () => void): void;
  /** Runs when the piece of work is taken back: forgets what memory believes of it. */
  undo(effect: () => void): void;
}

interface Piece {
  work: (commit: Commit) => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** Pieces of work in one commit: bounds how long a turn may last. */
export const GROUP_MAX = 200;

export class CommitGroup {
  readonly #storage: DurableObjectStorage;
  #waiting: Piece[] = [];
  #draining = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Does `work` inside a transaction, perhaps together with others; its value once that has been written. */
  submit<Value>(work: (commit: Commit) => Value): Promise<Value> {
    const result = new Promise<Value>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
    });
    if (!this.#draining) void this.#drain();
    return result;
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      // Let everything that belongs to the same delivery (a batch of results) be submitted first.
      await Promise.resolve();
      while (this.#waiting.length > 0) {
        this.#commit(this.#waiting.splice(0, GROUP_MAX));
        await this.#storage.sync();
      }
    } finally {
      this.#draining = false;
    }
  }

  #commit(group: Piece[]): void {
    const single = group.length === 1;
    const done = this.#attempt(group, single);
    if (done) return;
    for (const piece of group) this.#attempt([piece], true);
  }

  /** One transaction. False, with nothing changed, when a piece threw and others may still succeed without it. */
  #attempt(group: Piece[], single: boolean): boolean {
    const effects: (() => void)[] = [];
    const undo: (() => void)[] = [];
    const commit: Commit = {
      after: (effect) => effects.push(effect),
      undo: (effect) => undo.push(effect),
    };
    const values: unknown[] = [];
    try {
      this.#storage.transactionSync(() => {
        for (const piece of group) values.push(piece.work(commit));
      });
    } catch (error) {
      for (const effect of undo) effect();
      if (single) group[0]?.reject(error);
      return single;
    }
    for (const effect of effects) effect();
    group.forEach((piece, index) => {
      piece.resolve(values[index]);
    });
    return true;
  }
}
