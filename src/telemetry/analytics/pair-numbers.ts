/** Numbers pairs of small whole numbers in the order they are met: a hash table without objects. */

const INITIAL_SLOTS = 1_024;

export class PairNumbers {
  #left = new Int32Array(INITIAL_SLOTS);
  #right = new Int32Array(INITIAL_SLOTS);
  /** Number of the pair in each slot, plus one; 0: free. The size is a power of two, at most half of it taken. */
  #slots = new Int32Array(2 * INITIAL_SLOTS);
  size = 0;

  of(left: number, right: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash(left, right) & mask;
    for (;;) {
      const number = (this.#slots[slot] as number) - 1;
      if (number === -1) return this.#add(left, right, slot);
      if (this.#left[number] === left && this.#right[number] === right) return number;
      slot = (slot + 1) & mask;
    }
  }

  pair(number: number): [left: number, right: number] {
    return [this.#left[number] as number, this.#right[number] as number];
  }

  #add(left: number, right: number, slot: number): number {
    const number = this.size++;
    this.#left[number] = left;
    this.#right[number] = right;
    this.#slots[slot] = number + 1;
    if (this.size === this.#left.length) this.#grow();
    return number;
  }

  #grow(): void {
    const grown = (list: Int32Array) => {
      const larger = new Int32Array(list.length * 2);
      larger.set(list);
      return larger;
    };
    this.#left = grown(this.#left);
    this.#right = grown(this.#right);
    this.#slots = new Int32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let number = 0; number < this.size; number++) {
      let slot = hash(this.#left[number] as number, this.#right[number] as number) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = number + 1;
    }
  }
}

function hash(left: number, right: number): number {
  let mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right + 0x7f4a7c15, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}
