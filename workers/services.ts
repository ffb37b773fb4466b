/** The composition root: from bindings to the services that the API and the consumers work with, once an isolate. */
import { waitUntil } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { ApprovalLinks } from "#access/approval-links.ts";
import { KeyWatch } from "#access/key-watch.ts";
import { Keyring } from "#access/keyring.ts";
import { SocketTickets } from "#access/socket-tickets.ts";
import { Models } from "#agent/models.ts";
import { Health } from "#api/health.ts";
import { Scrape } from "#api/scrape.ts";
import type { Services } from "#api/services.ts";
import type { HttpEnvironment } from "#http/request.ts";
import { dohResolver, noResolver } from "#http/resolver.ts";
import { environmentSecrets } from "#http/secrets.ts";
import { systemClock } from "#kernel/clock.ts";
import { keptConversations } from "#store/agent-conversations.ts";
import { BulkRunner } from "#store/bulk-runner.ts";
import { type FanoutNamespace, Fanouts } from "#store/fanouts.ts";
import { Jobs } from "#store/jobs.ts";
import { Keys } from "#store/keys.ts";
import { Limiters } from "#store/limiters.ts";
import type { CallOutcome } from "#store/object-call.ts";
import { ResultCache } from "#store/result-cache.ts";
import { type ShardNamespace, Shards } from "#store/shards.ts";
import { Tenants } from "#store/tenants.ts";
import { WorkflowProposals } from "#store/workflow-proposals.ts";
import { Workflows } from "#store/workflows.ts";
import { objectDuration, objectRequests } from "#telemetry/catalogue/platform-metrics.ts";
import { healthChecks } from "#telemetry/catalogue/traffic-metrics.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";
import { version } from "../package.json";
import { analyticsOf } from "./analytics.ts";
import { configView } from "./config-view.ts";
import { AGENT_PARALLELISM, AGENT_PARALLELISM_LOCAL, type AgentServices } from "./consumers/agent.ts";
import { databaseOf } from "./database.ts";
import { type Env, loggerOf, settingsOf, shardSettingsOf } from "./env.ts";
import { checksOf } from "./health-checks.ts";
import { lookAround } from "./look-around.ts";
import { metersOf } from "./meters.ts";
import { recorderOf } from "./metric-recorder.ts";
import { PointRecorder } from "./points.ts";
import { telemetryOrigin } from "./tracing.ts";

export interface WorkerServices extends Services {
  http: Omit<HttpEnvironment, "idempotencyKey" | "signal">;
  agents: AgentServices;
  /** Facts about the machine from the local runtime, as JSON text. */
  host: string;
  isLocal: boolean;
}

const made = new WeakMap<Env, WorkerServices>();

export function servicesOf(env: Env): WorkerServices {
  let services = made.get(env);
  if (services === undefined) {
    services = compose(env);
    made.set(env, services);
  }
  return services;
}

function compose(env: Env): WorkerServices {
  const settings = settingsOf(env);
  const isLocal = settings.WEIR_LOCAL !== "";
  const logger = loggerOf(env, "orchestrator");
  const { database: d1, statements } = databaseOf(env);
  const database = drizzle(d1);
  const metrics = recorderOf(env);
  const keys = new Keys(database);
  const jobs = new Jobs(database);
  const shards = new Shards(env.COORDINATOR as unknown as ShardNamespace, {
    ...shardSettingsOf(env),
    told: (outcome, ms) => tellCall("coordinator", outcome, ms, metrics),
  });
  const fanouts = new Fanouts(env.FANOUT as unknown as FanoutNamespace);
  const urlPolicy = {
    allowPrivateHosts: new Set(isLocal ? settings.WEIR_ALLOW_PRIVATE_HOSTS : []),
    ownOrigins: new Set(settings.WEIR_OWN_ORIGIN),
  };
  const outgoing: HttpEnvironment["fetch"] = (url, options) => fetch(url, options as RequestInit);
  const models = new Models(
    {
      apiKey: settings.OPENAI_API_KEY,
      baseUrl: settings.OPENAI_BASE_URL,
      model: settings.OPENAI_MODEL,
      isStreamed: settings.OPENAI_STREAM === "on",
    },
    outgoing,
    systemClock,
  );
  const limiters = new Limiters(env.LIMITER, (outcome, ms) => tellCall("limiter", outcome, ms, metrics));
  const resultCache = new ResultCache(database);
  const workflows = new Workflows(database);
  const proposals = new WorkflowProposals(database);
  const http: WorkerServices["http"] = {
    fetch: outgoing,
    policy: urlPolicy,
    resolver: settings.DNS_RESOLVER_URL === "" ? noResolver : dohResolver(settings.DNS_RESOLVER_URL, outgoing),
    secrets: environmentSecrets(env),
    clock: systemClock,
  };
  const meters = metersOf(env);
  const health = new Health(
    checksOf({ env, d1, shards, fanouts, models }),
    { ...withoutProvider(models), ...(meters === null ? { meter: "telemetry is off" } : {}) },
    logger,
    (component, result) => metrics.count(healthChecks, [component, result]),
  );
  return {
    version,
    keyring: new Keyring({
      operatorKey: settings.WEIR_OPERATOR_KEY,
      find: (digest) => keys.find(digest),
      clock: systemClock,
    }),
    keys,
    tenants: new Tenants(database),
    d1,
    statements,
    database,
    workflows,
    proposals,
    shards,
    fanouts,
    allowedOrigins: new Set(settings.WEIR_ALLOWED_ORIGINS),
    tickets: new SocketTickets(settings.WEIR_OPERATOR_KEY),
    keyWatch: new KeyWatch({ findById: (tenant, id) => keys.findById(tenant, id), clock: systemClock }),
    jobs,
    bulk: new BulkRunner(jobs, shards, logger),
    links: new ApprovalLinks(settings.WEIR_OPERATOR_KEY),
    urlPolicy,
    logger,
    analytics: analyticsOf(env, outgoing),
    points: new PointRecorder(env),
    metrics,
    telemetryOrigin: telemetryOrigin(env),
    goOn: waitUntil,
    describeConfig: () => configView(env),
    health,
    scrape: meters === null ? null : new Scrape(meters, () => lookAround(env, health, logger)),
    limiters,
    resultCache,
    agentWorkers: isLocal ? AGENT_PARALLELISM_LOCAL : AGENT_PARALLELISM,
    agents: {
      models,
      limiters,
      conversations: keptConversations(database),
      resultCache,
      shards,
      workflows,
      proposals,
      http,
      clock: systemClock,
      logger: loggerOf(env, "agent-runner"),
    },
    http,
    host: isLocal ? settings.WEIR_HOST : "",
    isLocal,
  };
}

function tellCall(objectClass: string, outcome: CallOutcome, ms: number, metrics: MetricRecorder): void {
  metrics.count(objectRequests, [objectClass, outcome]);
  metrics.observe(objectDuration, [objectClass], ms / 1_000);
}

function withoutProvider(models: Models): Record<string, string> {
  const detail = "no OPENAI_API_KEY or OPENAI_BASE_URL is set: agents are answered by the built-in demo model";
  return models.hasProvider ? {} : { llm: detail };
}
