/** Escape rules of the Prometheus text format 0.0.4 and of OpenMetrics 1.0: they differ in help texts alone. */

/** https://prometheus.io/docs/instrumenting/exposition_formats/: backslash, line feed and double quote. */
export function labelValue(value: string): string {
  return /[\\\n"]/.test(value) ? value.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/"/g, '\\"') : value;
}

/** Text 0.0.4 leaves quotes in help as they are; OpenMetrics escapes them. */
export function helpText(help: string, isOpenMetrics: boolean): string {
  const plain = help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
  return isOpenMetrics ? plain.replace(/"/g, '\\"') : plain;
}

/** Go's float syntax, which both formats read. */
export function sampleValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

/** Bounds of buckets; OpenMetrics wants them written as floats. */
export function bound(value: number, isOpenMetrics: boolean): string {
  return isOpenMetrics && Number.isInteger(value) ? `${value}.0` : String(value);
}
