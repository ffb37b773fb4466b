/** What a metric is: its name, labels, unit and buckets, where its figures come from, and how sources are put together. */

export const METRIC_TYPES = ["counter", "gauge", "histogram"] as const;
export type MetricType = (typeof METRIC_TYPES)[number];

/**
 * `log`: from the event log of runs, or from the kept list of model calls, each exactly once. `isolate`: counted where
 * it happens, best effort. `scrape`: looked at when somebody asks for `/metrics`.
 */
export const FEEDS = ["log", "isolate", "scrape"] as const;
export type Feed = (typeof FEEDS)[number];

/** What stands for a value that a closed list does not hold. */
export const UNLISTED = "other";

/** `values` null: an open label, whose number of values is bounded by the Meter. */
export interface Label {
  name: string;
  values: readonly string[] | null;
}

export interface Metric<Labels extends readonly string[] = readonly string[]> {
  name: string;
  type: MetricType;
  help: string;
  /** As OpenMetrics has it: the end of the name. */
  unit: "seconds" | "bytes" | "usd" | null;
  labels: { readonly [Index in keyof Labels]: Label };
  feed: Feed;
  /** The part of Weir that knows the fact. */
  owner: string;
  /** Upper bounds; those of a metric never change once it is there. */
  buckets: readonly number[];
  /** How gauges of several sources become one. */
  merge: "sum" | "max" | "last";
  /** A gauge that its source has not repeated for so long is forgotten; null: it holds until it is set anew. */
  expiresMs: number | null;
  /** Label values whose series are there before anything has happened. */
  zeros: readonly (readonly string[])[];
}

/** In a zero's label set: each value of that label which is known, of whatever metric. */
export const EACH = "*";

/** A label set: values in the order of the metric's labels. */
export type LabelValues<Labels extends readonly string[]> = { readonly [Index in keyof Labels]: string };

interface Described<Labels extends readonly string[]> {
  help: string;
  labels?: { readonly [Index in keyof Labels]: Label };
  unit?: Metric["unit"];
  owner: string;
  feed?: Feed;
  /** Instead of all combinations of closed labels. */
  zeros?: readonly (readonly string[])[];
}

interface Gauge<Labels extends readonly string[]> extends Described<Labels> {
  merge?: Metric["merge"];
  expiresMs?: number;
}

interface Histogram<Labels extends readonly string[]> extends Described<Labels> {
  buckets: readonly number[];
}

export function open<const Name extends string>(name: Name): Label {
  return { name, values: null };
}

export function closed(name: string, values: readonly string[]): Label {
  return { name, values };
}

export function counter<Labels extends readonly string[] = readonly []>(
  name: string,
  described: Described<Labels>,
): Metric<Labels> {
  return metric(name, "counter", described, { buckets: [], merge: "sum", expiresMs: null });
}

/** A counter that somebody else keeps: its source tells how it stands, and may begin anew. */
export function readCounter<Labels extends readonly string[] = readonly []>(
  name: string,
  described: Gauge<Labels>,
): Metric<Labels> {
  return { ...gauge(name, described), type: "counter" };
}

export function gauge<Labels extends readonly string[] = readonly []>(
  name: string,
  described: Gauge<Labels>,
): Metric<Labels> {
  const { merge = "sum", expiresMs = null } = described;
  return metric(name, "gauge", described, { buckets: [], merge, expiresMs });
}

export function histogram<Labels extends readonly string[] = readonly []>(
  name: string,
  described: Histogram<Labels>,
): Metric<Labels> {
  return metric(name, "histogram", described, { buckets: described.buckets, merge: "sum", expiresMs: null });
}

function metric<Labels extends readonly string[]>(
  name: string,
  type: MetricType,
  described: Described<Labels>,
  more: Pick<Metric, "buckets" | "merge" | "expiresMs">,
): Metric<Labels> {
  const labels = described.labels ?? ([] as unknown as Metric<Labels>["labels"]);
  const { help, unit = unitOf(name), owner, feed = "log" } = described;
  const zeros = described.zeros ?? (feed === "scrape" ? [] : combinations(labels as readonly Label[], type));
  return { name, type, help, unit, labels, feed, owner, zeros, ...more };
}

function unitOf(name: string): Metric["unit"] {
  const base = name.replace(/_total$/, "");
  for (const unit of ["seconds", "bytes", "usd"] as const) if (base.endsWith(`_${unit}`)) return unit;
  return null;
}

/** Labels that many metrics have: a value which one of them has is known to all. */
const SHARED_LABELS: ReadonlySet<string> = new Set(["workflow", "model"]);

/** All combinations of closed labels; none when a label is open, but of a counter by workflow or model. */
function combinations(labels: readonly Label[], type: MetricType): string[][] {
  const valuesOf = ({ name, values }: Label) => values ?? (type === "counter" && SHARED_LABELS.has(name) ? [EACH] : []);
  return labels.reduce<string[][]>(
    (sets, label) => sets.flatMap((set) => valuesOf(label).map((value) => [...set, value])),
    [[]],
  );
}

/** Series that closed labels alone may make, for one value of each open label. */
export function closedCombinations({ labels }: Metric): number {
  return labels.reduce((product, { values }) => product * (values === null ? 1 : values.length), 1);
}

export function hasOpenLabel({ labels }: Metric): boolean {
  return labels.some(({ values }) => values === null);
}
