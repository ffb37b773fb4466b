/** Writes families out as Prometheus text 0.0.4 or OpenMetrics 1.0. */
import type { Metric } from "#telemetry/catalogue/metric.ts";
import type { Exemplar } from "#telemetry/metrics/batch.ts";
import { bound, helpText, labelValue, sampleValue } from "./escape.ts";
import type { Format } from "./format.ts";
import type { Family, Sample } from "./samples.ts";

/** `traceIdOf`: the trace that an exemplar's run has; exemplars are OpenMetrics' alone. */
export function render(families: readonly Family[], format: Format, traceIdOf: (runId: string) => string): string {
  const isOpenMetrics = format === "openMetrics";
  const lines: string[] = [];
  for (const { metric, samples } of families) {
    const family = isOpenMetrics && metric.type === "counter" ? metric.name.replace(/_total$/, "") : metric.name;
    lines.push(`# HELP ${family} ${helpText(metric.help, isOpenMetrics)}`, `# TYPE ${family} ${metric.type}`);
    if (isOpenMetrics && metric.unit !== null) lines.push(`# UNIT ${family} ${metric.unit}`);
    for (const sample of samples) {
      if (sample.counts === null)
        lines.push(`${metric.name}${braced(pairs(metric, sample))} ${sampleValue(sample.value)}`);
      else writeHistogram(metric, sample, isOpenMetrics, traceIdOf, lines);
    }
  }
  if (isOpenMetrics) lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

function writeHistogram(
  metric: Metric,
  sample: Sample,
  isOpenMetrics: boolean,
  traceIdOf: (runId: string) => string,
  lines: string[],
): void {
  const { name, buckets } = metric;
  const own = pairs(metric, sample);
  const before = own === "" ? "" : `${own},`;
  let cumulative = 0;
  for (let bucket = 0; bucket <= buckets.length; bucket++) {
    cumulative += sample.counts?.[bucket] ?? 0;
    const least = buckets[bucket];
    const le = least === undefined ? "+Inf" : bound(least, isOpenMetrics);
    const exemplar = isOpenMetrics ? sample.exemplars.find((each) => each.bucket === bucket) : undefined;
    const shown = exemplar === undefined ? "" : exemplarText(exemplar, traceIdOf);
    lines.push(`${name}_bucket{${before}le="${le}"} ${cumulative}${shown}`);
  }
  const braces = braced(own);
  lines.push(`${name}_sum${braces} ${sampleValue(sample.value)}`, `${name}_count${braces} ${cumulative}`);
}

function exemplarText({ value, run_id, at }: Exemplar, traceIdOf: (runId: string) => string): string {
  return ` # {trace_id="${labelValue(traceIdOf(run_id))}"} ${sampleValue(value)} ${(at / 1_000).toFixed(3)}`;
}

function pairs({ labels }: Metric, { labels: values }: Sample): string {
  let text = "";
  for (let index = 0; index < labels.length; index++) {
    text += `${index === 0 ? "" : ","}${labels[index]?.name}="${labelValue(values[index] ?? "")}"`;
  }
  return text;
}

function braced(text: string): string {
  return text === "" ? "" : `{${text}}`;
}
