/** Which of the two text formats an answer is in, by the `Accept` header. */

export const FORMATS = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
} as const;
export type Format = keyof typeof FORMATS;

/** Text, unless OpenMetrics 1 is asked for at least as much. Other formats that a scraper names are passed over. */
export function formatFor(accept: string): Format {
  let [text, openMetrics] = [0, 0];
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const quality = Number(parameterOf(parameters, "q") ?? 1);
    if (!(quality >= 0)) continue;
    const version = parameterOf(parameters, "version");
    if (type === "application/openmetrics-text" && (version === null || /^[01]\./.test(version))) {
      openMetrics = Math.max(openMetrics, quality);
    } else if ((type === "text/plain" && (version === null || version === "0.0.4")) || type === "*/*") {
      text = Math.max(text, quality);
    }
  }
  return openMetrics > 0 && openMetrics >= text ? "openMetrics" : "text";
}

function parameterOf(parameters: readonly string[], name: string): string | null {
  const found = parameters.find((parameter) => parameter.startsWith(`${name}=`));
  return found === undefined ? null : found.slice(name.length + 1).replace(/^"|"$/g, "");
}
