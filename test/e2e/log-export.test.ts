/** Logs of a running Weir at a strict Loki and a strict collector: all there, nothing secret, and no run disturbed. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AgentWeir, eventually, PROVIDER_KEY, runWhen, startAgentWeir } from "../support/agent-weir.ts";
import { type FakeLoki, type LokiLine, startLoki } from "../support/loki.ts";
import { attribute, type CollectedLog, type OtlpCollector, startOtlpCollector } from "../support/otlp-collector.ts";
import { inOrder, say, status } from "../support/scripted-openai.ts";

const SECRET = "canary-secret-77c1e0";
const PROMPT = "canary-prompt-18d2";

let loki: FakeLoki;
let collector: OtlpCollector;
let agents: AgentWeir;

beforeAll(async () => {
  loki = await startLoki();
  collector = await startOtlpCollector();
  agents = await startAgentWeir(inOrder(say("Hello.")), [], {
    LOKI_URL: loki.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    LOG_LEVEL: "debug",
    WEIR_SECRET_CRM: SECRET,
    WEIR_SECRET_CRM_HOSTS: "crm.example.com",
  });
});
afterAll(async () => {
  await agents.stop();
  await loki.close();
  await collector.close();
});

/** A request that is logged under an id of its own. */
async function asked(): Promise<string> {
  const { headers } = await agents.weir.api("GET", "/api/v1/runs?limit=1");
  return headers.get("x-request-id") ?? "";
}

const atLoki = (id: string) =>
  eventually(
    async () => loki.lines.filter(({ record }) => record.request_id === id),
    (lines) => lines.length > 0,
  ) as Promise<LokiLine[]>;

const atCollector = (id: string) =>
  eventually(
    async () => collector.logs.filter((log) => attribute(log, "request_id") === id),
    (logs) => logs.length > 0,
  ) as Promise<CollectedLog[]>;

describe("the export of logs", () => {
  test("brings each record once to both, with labels of few values and the trace", async () => {
    const id = await asked();
    const lines = await atLoki(id);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      labels: { service: "orchestrator", level: "debug", env: "local" },
      record: { msg: "request", route: "GET /api/v1/runs", status: 200, tenant: "default" },
    });
    const logs = await atCollector(id);
    expect(logs).toHaveLength(1);
    expect(logs[0]).toMatchObject({
      severityNumber: 5,
      severityText: "debug",
      body: { stringValue: "request" },
      traceId: lines[0]?.record.trace_id,
    });
    expect(attribute(logs[0] as CollectedLog, "weir.service")).toBe("orchestrator");
    expect(attribute(logs[0] as CollectedLog, "status")).toBe(200);
  });

  test("holds no key, secret or prompt, also when things go wrong", async () => {
    agents.model.script = inOrder(status(401, { error: { message: `no ${PROVIDER_KEY}`, type: "x", code: PROMPT } }));
    const config = { url: "http://10.0.0.1/", headers: { "x-key": "$secrets.crm" } };
    const definition = {
      nodes: [
        { id: "think", type: "agent", config: { task: PROMPT } },
        { id: "call", type: "http", config },
      ],
    };
    const started = await agents.weir.api("POST", "/api/v1/runs", { definition, inputs: { secret: SECRET } });
    await runWhen(agents.weir, started.body.run_id);
    await agents.weir.api("GET", "/api/v1/runs", undefined, { authorization: `Bearer weir_${"x".repeat(43)}` });
    const id = await asked();
    await atLoki(id);
    await atCollector(id);
    const all = JSON.stringify([loki.lines, collector.logs, collector.spans]) + agents.weir.output();
    for (const secret of [SECRET, PROMPT, PROVIDER_KEY, agents.weir.key, "x".repeat(43)]) {
      // The key is printed once, for the person who starts it.
      const text = agents.weir.output().includes(secret) && secret === agents.weir.key ? all.replace(secret, "") : all;
      expect(text).not.toContain(secret);
    }
  });

  test("has what objects log too", async () => {
    collector.failure = { status: 503 };
    const definition = { nodes: [{ id: "a", type: "transform", config: { expression: "1 / 0" } }] };
    await agents.weir.api("POST", "/api/v1/runs", { definition, wait_ms: 10_000 });
    const [line] = await eventually(
      async () => loki.lines.filter(({ record }) => record.msg === "traces could not be sent"),
      (lines) => lines.length > 0,
    );
    collector.failure = null;
    expect(line).toMatchObject({
      labels: { service: "workflow-runner", level: "warn" },
      record: { reason: "status 503", failures: 1 },
    });
  });

  test("that fails disturbs no run; what was lost is counted, and told with what comes after", async () => {
    loki.failure = 503;
    const from = loki.requests.length;
    const definition = { nodes: [{ id: "a", type: "transform", config: { expression: "1" } }] };
    const started = await agents.weir.api("POST", "/api/v1/runs", { definition, wait_ms: 10_000 });
    expect(started.body.status).toBe("completed");
    // Three tries for a slice, and then it is given up.
    await eventually(
      async () => agents.weir.output(),
      (text) => text.includes("log records were dropped"),
      20_000,
    );
    expect(loki.requests.slice(from).length).toBeGreaterThanOrEqual(3);
    loki.failure = null;
    await atLoki(await asked());
    await eventually(
      async () => loki.lines.filter(({ record }) => record.msg === "log records before this one were dropped"),
      (lines) => lines.length > 0 && lines[0].record.dropped > 0,
    );
  });

  test("sent nothing that either would refuse", () => {
    expect(loki.problems).toEqual([]);
    expect(collector.problems).toEqual([]);
  });
});
