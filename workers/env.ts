/** The Worker's bindings and variables, parsed once for each isolate. */
import { z } from "zod";
import { REGIONS, type Region, SHARDS_MAX } from "#kernel/ids.ts";
import type { AnalyticsRpc } from "#store/analytics/protocol.ts";
import type { FanoutRpc } from "#store/fanout/protocol.ts";
import type { LimiterRpc } from "#store/limiter/protocol.ts";
import type { MeterRpc } from "#store/meter/protocol.ts";
import type { CoordinatorRpc } from "#store/shard/protocol.ts";
import type { ShardSettings } from "#store/shards.ts";
import type { TaskMessage } from "#store/task-message.ts";
import { createLogger, LOG_LEVELS, type Logger } from "#telemetry/log.ts";
import { secretsIn } from "#telemetry/log-redaction.ts";
import { parseHeaders } from "#telemetry/otlp-collector.ts";

/** Bindings as `wrangler.toml` names them; variables are strings until parsed. */
export interface Env {
  DB: D1Database;
  COORDINATOR: DurableObjectNamespace & { getByName(name: string, options?: unknown): CoordinatorRpc };
  LIMITER: DurableObjectNamespace & { getByName(name: string): LimiterRpc };
  /** Missing: nobody can listen to feeds. */
  FANOUT: (DurableObjectNamespace & { getByName(name: string): FanoutRpc }) | undefined;
  ANALYTICS: { getByName(name: string): AnalyticsRpc };
  /** Absent where nothing is metered: in the simulator. */
  METER?: { getByName(name: string): MeterRpc };
  AE_RUN: AnalyticsEngineDataset;
  AE_NODE: AnalyticsEngineDataset;
  AE_LLM: AnalyticsEngineDataset;
  AE_HTTP: AnalyticsEngineDataset;
  AE_API: AnalyticsEngineDataset;
  AE_QUEUE: AnalyticsEngineDataset;
  WEIR_HTTP: Queue<TaskMessage>;
  WEIR_AGENT: Queue<TaskMessage>;
  WEIR_DEAD: Queue<unknown>;
  [variable: string]: unknown;
}

const optionalText = z.string().optional().default("");
const list = optionalText.transform((text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);

const optionalShards = optionalText.transform((text, context) => {
  if (text === "") return null;
  const shards = Number(text);
  if (Number.isInteger(shards) && shards >= 1 && shards <= SHARDS_MAX) return shards;
  context.addIssue(`must be a whole number from 1 to ${SHARDS_MAX}, or empty`);
  return z.NEVER;
});

const optionalCount = optionalText.transform((text, context) => {
  if (text === "") return null;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  context.addIssue("must be a whole number from 1, or empty");
  return z.NEVER;
});

const optionalUrl = optionalText.refine(
  (text) => text === "" || (/^https?:\/\//.test(text) && URL.canParse(text)),
  "must be an http(s) URL",
);

const settingsSchema = z.object({
  COORDINATOR_SHARDS: z.coerce.number().int().min(1).max(SHARDS_MAX).default(32),
  COORDINATOR_SHARDS_PREVIOUS: optionalShards,
  COORDINATOR_SHARDS_EVER: optionalShards,
  WEIR_HOME_REGION: z.enum(Object.keys(REGIONS) as [Region, ...Region[]]).default("xx"),
  WEIR_OPERATOR_KEY: optionalText,
  /** Set by the local runtime alone; what is meant for laptops is read only when it is there. */
  WEIR_LOCAL: optionalText,
  /** Facts about the machine that only the local runtime can read, as JSON. */
  WEIR_HOST: optionalText,
  WEIR_ALLOW_PRIVATE_HOSTS: list,
  WEIR_OWN_ORIGIN: list,
  /** Origins beside Weir's own whose pages may open sockets. */
  WEIR_ALLOWED_ORIGINS: list,
  DNS_RESOLVER_URL: optionalText,
  /** Where models are: any OpenAI-compatible server. Without key and URL the built-in demo model answers. */
  OPENAI_API_KEY: optionalText,
  OPENAI_BASE_URL: optionalText,
  /** The model of agents that name none. */
  OPENAI_MODEL: optionalText,
  /** "off" for servers that cannot stream. */
  OPENAI_STREAM: z.enum(["on", "off"]).default("on"),
  /** What one tenant may ask of one model; empty: what the provider states, and what it keeps up with. */
  LLM_REQUESTS_PER_MINUTE: optionalCount,
  LLM_TOKENS_PER_MINUTE: optionalCount,
  /** `local`: points are kept in, and queries answered by, the twin of Analytics Engine. */
  WEIR_ANALYTICS: z.enum(["", "local"]).optional().default(""),
  /** `off` for paired measurements: what telemetry costs. */
  WEIR_TELEMETRY: z.enum(["on", "off"]).default("on"),
  /** Set both to answer queries in production: they go to the platform's SQL API. */
  CLOUDFLARE_ACCOUNT_ID: optionalText,
  CLOUDFLARE_API_TOKEN: optionalText,
  /** Where traces and logs are sent, in the words of OpenTelemetry; empty: nowhere. */
  OTEL_EXPORTER_OTLP_ENDPOINT: optionalUrl,
  /** `name=value` pairs between commas, values percent-encoded. */
  OTEL_EXPORTER_OTLP_HEADERS: optionalText,
  OTEL_SERVICE_NAME: optionalText.transform((text) => (text === "" ? "weir" : text)),
  /** `none` for a collector that takes no logs. */
  OTEL_LOGS_EXPORTER: z
    .enum(["", "otlp", "none"])
    .default("otlp")
    .transform((text) => text || "otlp"),
  /** Where logs are pushed to besides, by the tail Worker. */
  LOKI_URL: optionalUrl,
  /** The share of runs without anything to tell that is exported, from 0 to 1. */
  OTEL_TRACES_SAMPLER_ARG: optionalText.transform((text, context) => {
    const share = text === "" ? 1 : Number(text);
    if (share >= 0 && share <= 1) return share;
    context.addIssue("must be a number from 0 to 1, or empty");
    return z.NEVER;
  }),
  RETENTION_DAYS: z.coerce.number().min(0).default(30),
  LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
});

export type Settings = z.infer<typeof settingsSchema>;

const parsed = new WeakMap<Env, Settings>();

/** The variables; throws with the name of one that is wrong. */
export function settingsOf(env: Env): Settings {
  let settings = parsed.get(env);
  if (settings === undefined) {
    const result = settingsSchema.safeParse(env);
    if (!result.success) {
      const wrong = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
      throw new Error(`variables of the Worker are wrong: ${wrong.join("; ")}`);
    }
    settings = result.data;
    parsed.set(env, settings);
  }
  return settings;
}

/** What the way to the shards depends on. */
export function shardSettingsOf(env: Env): ShardSettings {
  const settings = settingsOf(env);
  return {
    shards: settings.COORDINATOR_SHARDS,
    previousShards: settings.COORDINATOR_SHARDS_PREVIOUS,
    shardsEver: settings.COORDINATOR_SHARDS_EVER ?? 0,
    region: settings.WEIR_HOME_REGION,
  };
}

export function loggerOf(env: Env, service: string): Logger {
  const { LOG_LEVEL: level, WEIR_LOCAL: local, OTEL_EXPORTER_OTLP_HEADERS: headers } = settingsOf(env);
  const secrets = [...secretsIn(env), ...Object.values(parseHeaders(headers))];
  return createLogger({ service, level, asLines: local !== "", secrets });
}
