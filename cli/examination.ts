/** What `weir doctor` looks at: each thing by itself, so that one that is broken hides no other. */
import { statSync } from "node:fs";
import { duration } from "#kernel/duration.ts";
import { attempt, isWeirError, type Readiness, Weir } from "../client/weir.ts";
import { version } from "../package.json";
import type { Context } from "./context.ts";
import { describeFailure } from "./failure.ts";
import { configPath } from "./settings.ts";
import { count } from "./wording.ts";

export interface Finding {
  name: string;
  /** `note`: nothing is wrong, but it is good to know. */
  outcome: "ok" | "note" | "warn" | "bad";
  detail: string;
  /** What to do about it. */
  mend?: string;
}

const CLOCK_MS_MAX = 5_000;
const SLOW_MS = 1_000;
const CANARY_MS_MAX = 10_000;
const RECENT_MS = 3_600_000;
/** A run that nobody has taken up by then is stuck, whatever the reason. */
const QUEUED_MS_MAX = 300_000;

/** What is usually wrong with a component that does not work. */
const MENDS: Readonly<Record<string, string>> = {
  d1: "apply the migrations: npx wrangler d1 migrations apply weir --remote; is database_id in wrangler.toml right?",
  coordinator: "look for errors of the Coordinator: npx wrangler tail; is the binding COORDINATOR in wrangler.toml?",
  queues: "do the queues exist? npx wrangler queues list; wrangler.toml begins with the commands that make them",
  "http-worker": "the queue weir-http is not worked off: deploy again (npm run deploy), then look at npx wrangler tail",
  "agent-runner":
    "the queue weir-agent is not worked off: deploy again (npm run deploy), then look at npx wrangler tail",
  llm: "set OPENAI_API_KEY (and OPENAI_BASE_URL for another provider); without them agents use the demo model",
  meter: "is the binding METER in wrangler.toml? /metrics needs it",
  fanout: "is the binding FANOUT in wrangler.toml? weir tail needs it",
  analytics: "is the dataset bound in wrangler.toml? weir sql needs it",
};

/** Findings in the order they are made; ends early only when there is nobody to ask. */
export async function* examine(context: Context, { mayRun }: { mayRun: boolean }): AsyncGenerator<Finding> {
  yield* examineConfig();
  const { url, key } = context.connection;
  const { signal } = context;
  const asked = Date.now();
  // Whether anybody is there can be asked without a key.
  const health = await attempt(new Weir({ url, key: key ?? "none" }).health({ signal }));
  if (!health.ok) {
    if (isWeirError(health.error, "aborted")) throw health.error;
    yield { name: "reachable", outcome: "bad", detail: url, mend: describeFailure(health.error).line };
    return;
  }
  const tookMs = Date.now() - asked;
  yield {
    name: "reachable",
    outcome: tookMs > SLOW_MS ? "warn" : "ok",
    detail: `${url} answers in ${duration(tookMs)}`,
    ...(tookMs > SLOW_MS ? { mend: "the way there is slow: try from nearer, or look at weir status" } : {}),
  };
  yield examineVersion(health.value.version);
  if (key === null) {
    const mend = 'give one with --key or WEIR_KEY, or keep it with "weir config set"';
    yield { name: "key", outcome: "bad", detail: "none is known", mend };
    return;
  }
  const { weir } = context;
  const ready = await attempt(weir.ready({ signal }));
  if (!ready.ok) {
    if (isWeirError(ready.error, "aborted")) throw ready.error;
    yield { name: "key", outcome: "bad", detail: ready.error.message, mend: describeFailure(ready.error).line };
    return;
  }
  yield await examineScopes(weir, signal);
  yield* examineClock(weir, signal);
  yield* examineComponents(ready.value);
  yield* examineRuns(weir, signal);
  if (mayRun) yield await examineCanary(weir, signal);
}

function* examineConfig(): Generator<Finding> {
  if (process.platform === "win32") return;
  const file = configPath(process.env);
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  if (mode === undefined || (mode & 0o077) === 0) return;
  const detail = `${file} can be read by other users, and holds keys`;
  yield { name: "config", outcome: "warn", detail, mend: `chmod 600 ${file}` };
}

function examineVersion(theirs: string): Finding {
  if (theirs === version) return { name: "version", outcome: "ok", detail: theirs };
  const detail = `weir is ${version}, the deployment ${theirs}`;
  return { name: "version", outcome: "warn", detail, mend: "use the same version on both sides: commands may differ" };
}

/** The list of runs says when it was read. */
async function* examineClock(weir: Weir, signal: AbortSignal): AsyncGenerator<Finding> {
  const asked = Date.now();
  const page = await attempt(weir.runs.list({ limit: 1 }, { signal }));
  if (!page.ok) return;
  const theirs = Date.parse(page.value.as_of);
  const offMs = Math.max(0, asked - theirs, theirs - Date.now());
  const isOff = offMs > CLOCK_MS_MAX;
  yield {
    name: "clocks",
    outcome: isOff ? "warn" : "ok",
    detail: isOff ? `this machine's is off by ${duration(offMs)}` : "agree",
    ...(isOff ? { mend: "set the time by NTP: signed links and --since depend on it" } : {}),
  };
}

/** Which scopes the key has, as far as harmless questions tell. */
async function examineScopes(weir: Weir, signal: AbortSignal): Promise<Finding> {
  const asks = {
    read: () => weir.runs.list({ limit: 1 }, { signal }),
    admin: () => weir.keys.list({ limit: 1 }, { signal }),
    operator: () => weir.tenants({ limit: 1 }, { signal }),
  };
  const has: string[] = [];
  for (const [scope, ask] of Object.entries(asks)) if ((await attempt<object>(ask())).ok) has.push(scope);
  return { name: "key", outcome: "ok", detail: `accepted; it may ${has.join(", ")}` };
}

function* examineComponents({ components }: Readiness): Generator<Finding> {
  for (const [name, { status, latency_ms: ms, detail }] of Object.entries(components)) {
    const said = detail === undefined ? "" : `: ${detail}`;
    const mend = MENDS[name] ?? "look for its errors: npx wrangler tail";
    if (status === "ok") yield { name, outcome: "ok", detail: `answers in ${duration(ms)}` };
    else if (status === "disabled") yield { name, outcome: "note", detail: `not in use${said}` };
    else yield { name, outcome: status === "down" ? "bad" : "warn", detail: `${status}${said}`, mend };
  }
}

async function* examineRuns(weir: Weir, signal: AbortSignal): AsyncGenerator<Finding> {
  const since = new Date(Date.now() - RECENT_MS).toISOString();
  const failed = await attempt(weir.runs.list({ status: "failed", submitted_after: since, limit: 200 }, { signal }));
  if (failed.ok && failed.value.items.length > 0) {
    const { items, next_cursor: more } = failed.value;
    const detail = `${items.length}${more === null ? "" : " or more"} failed in the last hour`;
    yield { name: "runs", outcome: "warn", detail, mend: "weir run list --status failed --since 1h" };
  } else if (failed.ok) yield { name: "runs", outcome: "ok", detail: "none failed in the last hour" };
  const before = new Date(Date.now() - QUEUED_MS_MAX).toISOString();
  const stuck = await attempt(weir.runs.list({ status: "queued", submitted_before: before, limit: 200 }, { signal }));
  const [first] = stuck.ok ? stuck.value.items : [];
  if (!stuck.ok || first === undefined) return;
  const detail = `${count(stuck.value.items.length, "run")} queued for more than ${duration(QUEUED_MS_MAX)}`;
  yield { name: "runs", outcome: "bad", detail, mend: `weir run explain ${first.run_id} says what it waits for` };
}

/** The whole way of a run, from the request to its end. */
async function examineCanary(weir: Weir, signal: AbortSignal): Promise<Finding> {
  const name = "canary run";
  const order = { definition: { nodes: [{ id: "canary", type: "parallel" }] }, labels: { canary: "doctor" } };
  const run = await attempt(weir.runs.startAndWait(order, { signal, giveUpAfterMs: CANARY_MS_MAX }));
  if (run.ok && run.value.status === "completed") {
    return { name, outcome: "ok", detail: `completed in ${duration(run.value.duration_ms ?? 0)}` };
  }
  if (run.ok) {
    return { name, outcome: "bad", detail: run.value.status, mend: `weir run explain ${run.value.run_id}` };
  }
  if (isWeirError(run.error, "aborted")) throw run.error;
  if (isWeirError(run.error, "forbidden")) {
    return { name, outcome: "note", detail: 'left out: the key lacks the scope "run"' };
  }
  return { name, outcome: "bad", detail: run.error.message, mend: describeFailure(run.error).line };
}
