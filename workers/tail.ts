/**
 * The tail Worker, a deployment of its own (`tail/wrangler.toml`): the platform hands it what Weir has logged, after the
 * fact, and it brings that to Loki and to a collector of OTLP logs. What goes wrong here disturbs no run.
 */
import { LogRedaction, secretsIn } from "#telemetry/log-redaction.ts";
import { LogShipper, type LogTarget } from "#telemetry/logs/log-shipper.ts";
import { lokiAddress, lokiPush } from "#telemetry/logs/loki.ts";
import { logDocument } from "#telemetry/logs/otlp-logs.ts";
import { recordsOf } from "#telemetry/logs/tail-records.ts";
import { collectorAddress } from "#telemetry/otlp-collector.ts";
import { type Env, loggerOf, settingsOf } from "./env.ts";
import { telemetryOrigin } from "./tracing.ts";

interface TailParts {
  shipper: LogShipper;
  redaction: LogRedaction;
}

const made = new WeakMap<Env, TailParts>();

export default {
  async tail(events, env) {
    const { shipper, redaction } = partsOf(env);
    await shipper.ship(events.flatMap((event) => recordsOf(event, redaction)));
  },
} satisfies ExportedHandler<Env>;

function partsOf(env: Env): TailParts {
  let parts = made.get(env);
  if (parts === undefined) {
    const logger = loggerOf(env, "tail");
    parts = {
      redaction: new LogRedaction(secretsIn(env)),
      shipper: new LogShipper({
        targets: targetsOf(env),
        post: (url, init) => fetch(url, init),
        nowMs: () => Date.now(),
        wait: (ms) => scheduler.wait(ms),
        complain: (message, fields) => logger.warn(message, fields),
      }),
    };
    made.set(env, parts);
  }
  return parts;
}

function targetsOf(env: Env): LogTarget[] {
  const settings = settingsOf(env);
  const origin = telemetryOrigin(env);
  const { LOKI_URL: loki, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers } = settings;
  const targets: LogTarget[] = [];
  if (loki !== "") {
    targets.push({
      name: "loki",
      address: lokiAddress(loki),
      bodyOf: (records) => JSON.stringify(lokiPush(records, origin.env)),
    });
  }
  if (endpoint !== "" && settings.OTEL_LOGS_EXPORTER === "otlp") {
    targets.push({
      name: "otlp",
      address: collectorAddress(endpoint, "v1/logs", headers),
      bodyOf: (records, nowMs) => JSON.stringify(logDocument(records, origin, nowMs)),
    });
  }
  return targets;
}
