/** A random template: of the inputs, of a node before this one, of a part of its output, which may not be there. */
import type { Seeded } from "../../support/seeded.ts";

export function templateOf(random: Seeded, ancestors: readonly string[], part = "v"): string {
  const kind = random.next();
  if (ancestors.length === 0 || kind < 0.2) return "$inputs.n";
  const node = random.pick(ancestors);
  if (kind < 0.3) return `$nodes.${node}.${part}`;
  return kind < 0.9 ? `$nodes.${node}` : "$run.id";
}
