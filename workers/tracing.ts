/** Who speaks in traces and logs, and where both are sent, from the Worker's variables. */
import { type CollectorAddress, collectorAddress } from "#telemetry/otlp-collector.ts";
import type { TelemetryOrigin } from "#telemetry/traces/otlp.ts";
import { version } from "../package.json";
import { type Env, settingsOf } from "./env.ts";

export function telemetryOrigin(env: Env): TelemetryOrigin {
  const { OTEL_SERVICE_NAME: service, WEIR_LOCAL: local } = settingsOf(env);
  return { service, version, env: local === "" ? "production" : "local" };
}

/** Null: nowhere. */
export function traceCollector(env: Env): CollectorAddress | null {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, WEIR_TELEMETRY } = settingsOf(env);
  if (WEIR_TELEMETRY === "off" || OTEL_EXPORTER_OTLP_ENDPOINT === "") return null;
  return collectorAddress(OTEL_EXPORTER_OTLP_ENDPOINT, "v1/traces", OTEL_EXPORTER_OTLP_HEADERS);
}
