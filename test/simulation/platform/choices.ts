/**
 * Randomness by name: what is chosen depends on the seed and on what the choice is about, never on how many choices
 * came before. So a scenario that is made smaller still behaves the same in what is left of it.
 */
export class Choices {
  readonly #start: number;

  constructor(seed: number) {
    this.#start = mix(seed ^ 0x9e3779b9);
  }

  /** From 0 to below 1, the same for the same name. */
  fraction(name: string): number {
    let hash = this.#start;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    return (mix(hash) >>> 0) / 2 ** 32;
  }

  chance(name: string, probability: number): boolean {
    return probability > 0 && this.fraction(name) < probability;
  }

  /** A whole number, both ends included. */
  between(name: string, least: number, most: number): number {
    return least + Math.floor(this.fraction(name) * (most - least + 1));
  }

  pick<Item>(name: string, items: readonly Item[]): Item {
    return items[this.between(name, 0, items.length - 1)] as Item;
  }

  /** The items in an order that the name decides. */
  shuffled<Item>(name: string, items: readonly Item[]): Item[] {
    return items
      .map((item, index) => ({ item, rank: this.fraction(`${name}/${index}`) }))
      .sort((left, right) => left.rank - right.rank)
      .map(({ item }) => item);
  }
}

function mix(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
