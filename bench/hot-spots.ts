/** Where a profile's time goes: self and inclusive time by function of our sources, mapped back from the bundle. */
import { SourceMap, type SourceMapping } from "node:module";
import { type CallFrame, type CpuProfile, SAMPLE_INTERVAL_US } from "./profiler.ts";
import { layOut } from "./table.ts";

/** Waiting is no work. */
const IDLE = "(idle)";

interface Spot {
  selfUs: number;
  /** Time in it and in what it called; recursion counts once. */
  totalUs: number;
}

/** Finds the source of a place in the bundle from the map that stands inline at its end. */
export class Sources {
  readonly #map: SourceMap | null;

  constructor(bundle: string) {
    const [, encoded] = /\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\s*$/.exec(bundle) ?? [];
    this.#map =
      encoded === undefined ? null : new SourceMap(JSON.parse(Buffer.from(encoded, "base64").toString("utf8")));
  }

  nameOf({ functionName, url, lineNumber, columnNumber }: CallFrame): string {
    const name = functionName === "" ? "(anonymous)" : functionName;
    if (url === "") return name;
    const entry = this.#map?.findEntry(lineNumber, columnNumber) as Partial<SourceMapping> | undefined;
    const file = entry?.originalSource?.replace(/^(\.\.\/)+/, "").replace(/^.*node_modules\//, "");
    return file === undefined
      ? `${name}  ${url}:${lineNumber + 1}`
      : `${name}  ${file}:${(entry?.originalLine ?? 0) + 1}`;
  }
}

/** The `count` functions that most time went into, by themselves and with what they called. */
export function describeHotSpots(profile: CpuProfile, sources: Sources, calls: number, count: number): string {
  const { spots, busyUs } = spotsOf(profile, sources);
  const percent = (us: number) => `${((us / busyUs) * 100).toFixed(1)} %`;
  const each = (us: number) => (us / calls).toFixed(0);
  const top = (by: keyof Spot) =>
    [...spots]
      .toSorted(([, left], [, right]) => right[by] - left[by])
      .slice(0, count)
      .map(([name, spot]) => [percent(spot[by]), each(spot[by]), ...name.split("  ")]);
  return [
    `${(busyUs / 1e6).toFixed(2)} s at work, ${each(busyUs)} µs a call`,
    "",
    ...layOut([["self", "µs each", "function", "where"], ...top("selfUs")]),
    "",
    ...layOut([["with calls", "µs each", "function", "where"], ...top("totalUs")]),
  ].join("\n");
}

function spotsOf(profile: CpuProfile, sources: Sources): { spots: Map<string, Spot>; busyUs: number } {
  const selfUs = new Map<number, number>();
  profile.samples.forEach((id, index) => {
    // A sample stands for the time until the next one. While the isolate does not run none are taken: a gap is no work.
    const untilNextUs = profile.timeDeltas[index + 1] ?? 0;
    selfUs.set(id, (selfUs.get(id) ?? 0) + Math.min(Math.max(0, untilNextUs), 2 * SAMPLE_INTERVAL_US));
  });
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const spots = new Map<string, Spot>();
  let busyUs = 0;
  const walk = (id: number, above: ReadonlySet<string>): number => {
    const node = nodes.get(id);
    if (node === undefined || node.callFrame.functionName === IDLE) return 0;
    const name = sources.nameOf(node.callFrame);
    const isRepeated = above.has(name);
    const inside = isRepeated ? above : new Set([...above, name]);
    const self = selfUs.get(id) ?? 0;
    busyUs += self;
    const total = (node.children ?? []).reduce((sum, child) => sum + walk(child, inside), self);
    const spot = spots.get(name) ?? { selfUs: 0, totalUs: 0 };
    spot.selfUs += self;
    if (!isRepeated) spot.totalUs += total;
    spots.set(name, spot);
    return total;
  };
  const root = profile.nodes[0];
  if (root !== undefined) walk(root.id, new Set());
  return { spots, busyUs };
}
