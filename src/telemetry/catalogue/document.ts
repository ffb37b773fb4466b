/** docs/metrics.md, made from the catalogue. */
import { METRIC_GROUPS } from "./catalogue.ts";
import { EACH, type Feed, type Metric } from "./metric.ts";

const FEEDS: Readonly<Record<Feed, string>> = {
  log: "exact",
  isolate: "best effort",
  scrape: "at the scrape",
};

/** Values of a closed label that are written out; of longer lists only how many there are. */
const VALUES_SHOWN_MAX = 8;

export function metricsDocument(): string {
  const groups = METRIC_GROUPS.map(
    ({ title, metrics }) =>
      `## ${title}\n\n| Metric | Type | Labels | Meaning | From |\n| --- | --- | --- | --- | --- |\n${metrics.map(row).join("\n")}\n`,
  );
  return `${HEAD}\n${groups.join("\n")}\n${bucketsOf(METRIC_GROUPS.flatMap(({ metrics }) => metrics))}`;
}

const HEAD = `# Metrics

All metrics of \`GET /metrics\`. This page is made from \`src/telemetry/catalogue/\` by \`npm run docs:metrics\`; change it there.
How they are scraped, kept and bounded: [operations/metrics.md](operations/metrics.md).

*exact*: each event of a log counts once, whatever happens to the objects on the way. *best effort*: counted where it happens;
what is lost is counted by \`weir_metrics_dropped_total\`. *at the scrape*: looked at when \`/metrics\` is asked for.
`;

function row(metric: Metric): string {
  const { name, type, help, feed, owner } = metric;
  return `| \`${name}\` | ${type} | ${labelsOf(metric)} | ${help.replaceAll("|", "\\|")} | ${FEEDS[feed]}, ${owner} |`;
}

function labelsOf({ labels }: Metric): string {
  if (labels.length === 0) return "–";
  return labels
    .map(({ name, values }) => {
      if (values === null) return `\`${name}\``;
      const shown = values.length <= VALUES_SHOWN_MAX ? values.join(", ") : `${values.length} values`;
      return `\`${name}\` (${shown})`;
    })
    .join(", ");
}

function bucketsOf(metrics: readonly Metric[]): string {
  const byBounds = new Map<string, string[]>();
  for (const { name, buckets } of metrics) {
    if (buckets.length === 0) continue;
    const bounds = buckets.join(", ");
    byBounds.set(bounds, [...(byBounds.get(bounds) ?? []), `\`${name}\``]);
  }
  const rows = [...byBounds].map(([bounds, names]) => `| ${bounds} | ${names.join(", ")} |`);
  const zeros = metrics.filter(({ zeros }) => zeros.some((labels) => labels.includes(EACH)));
  return `## Buckets

| Upper bounds | Histograms |
| --- | --- |
${rows.join("\n")}

## Series that are there before anything has happened

Every combination of closed labels begins at 0, so that \`increase()\` sees the first event; of node ends and retries the usual
ones. Once a workflow or a model is known, these have a series for it: ${zeros.map(({ name }) => `\`${name}\``).join(", ")}.
`;
}
