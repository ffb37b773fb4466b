/** The table of scalar functions, by name in any case. Aggregates have a table of their own. */
import { BIT_FUNCTIONS } from "./functions/bits.ts";
import type { ScalarFunction } from "./functions/declare.ts";
import { MOMENT_FUNCTIONS } from "./functions/moments.ts";
import { NUMBER_FUNCTIONS } from "./functions/numbers.ts";
import { TEXT_FUNCTIONS } from "./functions/text.ts";

export const SCALAR_FUNCTIONS: readonly ScalarFunction[] = [
  ...NUMBER_FUNCTIONS,
  ...BIT_FUNCTIONS,
  ...TEXT_FUNCTIONS,
  ...MOMENT_FUNCTIONS,
];

const BY_NAME: ReadonlyMap<string, ScalarFunction> = new Map(
  SCALAR_FUNCTIONS.flatMap((each) => [each.name, ...(each.aliases ?? [])].map((name) => [name.toLowerCase(), each])),
);

export function scalarFunction(name: string): ScalarFunction | null {
  return BY_NAME.get(name.toLowerCase()) ?? null;
}
