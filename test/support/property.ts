/**
 * How often a property is tried. The suite always tries the same cases; `PROPERTY_FACTOR=50` tries fifty times as many
 * new ones. One that does not hold prints its seed, its path and the smallest counterexample.
 */
import fc from "fast-check";
import { vi } from "vitest";

const FACTOR = Number(process.env.PROPERTY_FACTOR ?? 1);

// A property takes a second or two; on a busy machine, or many times over, it may take its time.
vi.setConfig({ testTimeout: 60_000 * FACTOR });

/** The seed of the suite's own cases. */
const SEED = 8785;

/** Fails the test unless the property holds for `runs` cases. */
export function holds<Values>(property: fc.IProperty<Values>, runs: number): void {
  const seed = process.env.PROPERTY_FACTOR === undefined ? { seed: SEED } : {};
  fc.assert(property as fc.IRawProperty<Values, false>, { numRuns: runs * FACTOR, ...seed });
}
