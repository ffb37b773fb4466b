/**
 * Virtual time: what happens next, and whose code it is. A step is one thing that happens and everything that follows
 * from it without time going by; between two steps nothing is under way, so an object can be lost there.
 */

/** Somebody whose code runs: a life of an object, an invocation of the Worker, a client, the platform itself. */
export class Owner {
  readonly name: string;
  /** What a dead owner still waits for never comes. */
  isAlive = true;

  constructor(name: string) {
    this.name = name;
  }
}

export interface Happening {
  atMs: number;
  order: number;
  owner: Owner;
  happen: (() => void) | null;
}

export class Timeline {
  nowMs: number;
  /** Who asked for what is happening now. */
  current: Owner;
  readonly platform = new Owner("platform");
  readonly #heap: Happening[] = [];
  #order = 0;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
    this.current = this.platform;
  }

  in(delayMs: number, owner: Owner, happen: () => void): Happening {
    return this.at(this.nowMs + Math.max(0, delayMs), owner, happen);
  }

  at(atMs: number, owner: Owner, happen: () => void): Happening {
    const happening = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, owner, happen };
    this.#push(happening);
    return happening;
  }

  cancel(happening: Happening): void {
    happening.happen = null;
  }

  /** When the next thing happens; null when nothing will. */
  get nextMs(): number | null {
    this.#dropDead();
    return this.#heap[0]?.atMs ?? null;
  }

  /** What an owner still waits for. */
  waitingOf(owner: Owner): number {
    return this.#heap.filter((each) => each.owner === owner && each.happen !== null).length;
  }

  /** Lets the next thing happen, and all that follows at the same instant without another happening. False: nothing is left. */
  async step(): Promise<boolean> {
    this.#dropDead();
    const next = this.#pop();
    if (next === undefined) return false;
    const { happen, owner } = next;
    this.nowMs = next.atMs;
    this.current = owner;
    happen?.();
    await settled();
    this.current = this.platform;
    return true;
  }

  /** Runs `act` as somebody else's code, within the current step. */
  as(owner: Owner, act: () => void): void {
    this.current = owner;
    act();
  }

  #dropDead(): void {
    for (
      let top = this.#heap[0];
      top !== undefined && (top.happen === null || !top.owner.isAlive);
      top = this.#heap[0]
    ) {
      this.#pop();
    }
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(happening);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Happening;
      if (isBefore(above, happening)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = happening;
  }

  #pop(): Happening | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && isBefore(heap[right] as Happening, heap[left] as Happening) ? right : left;
      const below = heap[child] as Happening;
      if (isBefore(last, below)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

function isBefore(left: Happening, right: Happening): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}

/** Ticks run when the queue of promise reactions is empty: then everything that could go on has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}
