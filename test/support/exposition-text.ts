/** Reads Prometheus text back: samples by name and labels, so that tests can ask for a figure or a sum. */

export interface TextSample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: # .*)?$/s;
const PAIR = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/g;

export function parseExposition(text: string): TextSample[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, name = "", pairs = "", value = ""] = SAMPLE.exec(line) ?? [];
      if (name === "") throw new Error(`not a sample: ${line}`);
      const labels = Object.fromEntries([...pairs.matchAll(PAIR)].map(([, key, text]) => [key, unescaped(text ?? "")]));
      return { name, labels, value: value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value) };
    });
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
}

/** The sum of the samples that have these labels. */
export function sumOf(samples: readonly TextSample[], name: string, labels: Record<string, string> = {}): number {
  return samples
    .filter(
      (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )
    .reduce((sum, { value }) => sum + value, 0);
}

/** Everything of a metric that is not 0, as `value,value…` of its labels → value. */
export function countsOf(samples: readonly TextSample[], name: string): Record<string, number> {
  const found = samples.filter((sample) => sample.name === name && sample.value !== 0);
  return Object.fromEntries(found.map(({ labels, value }) => [Object.values(labels).join(","), value]));
}
