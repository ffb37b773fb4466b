/** A workflow whose runs go on by themselves for a while: a chain of short delays. */
export function slowChain(ticks: number, delayMs: number) {
  const nodes = Array.from({ length: ticks }, (_, index) => ({
    id: `tick${index}`,
    type: "delay",
    config: { duration_ms: delayMs },
  }));
  const edges = nodes.slice(1).map(({ id }, index) => ({ from: `tick${index}`, to: id }));
  return { nodes, edges };
}
