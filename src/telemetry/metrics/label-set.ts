/** Label values as a key and back: closed labels hold what their list holds, open ones what a label may hold. */
import { type Metric, UNLISTED } from "#telemetry/catalogue/metric.ts";

/** Characters of an open label's value. */
export const LABEL_LENGTH_MAX = 100;

/** Stands between values in a key; no value holds it. */
const SEPARATOR = "\u001f";

/** What a value must not hold. */
const CONTROL = /\p{Cc}/u;
const CONTROLS = /\p{Cc}/gu;

export function keyOf(labels: readonly string[]): string {
  return labels.join(SEPARATOR);
}

/** Values as the metric's labels have them. */
export function labelsFor({ labels }: Metric, values: readonly string[]): string[] {
  return labels.map(({ values: listed }, index) => {
    const value = values[index] ?? "";
    if (listed !== null) return listed.includes(value) ? value : UNLISTED;
    if (value.length <= LABEL_LENGTH_MAX && !CONTROL.test(value)) return value;
    return value.slice(0, LABEL_LENGTH_MAX).toWellFormed().replace(CONTROLS, "_");
  });
}
