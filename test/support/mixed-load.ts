/**
 * Runs of every kind, good and bad: retried, failed, refused, skipped, decided by people, patched, replayed, cancelled,
 * of agents and of children; and some that go on waiting. Starts are repeated under their keys until they are accepted.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { inFlight } from "./in-flight.ts";
import type { ApiAnswer, WeirProcess } from "./weir-process.ts";
import { answerJson, answerOk } from "./witness-server.ts";

const seen = new Map<string, number>();

/** What the HTTP nodes of the load talk to: `/flaky` fails twice for each key, `/gone` is never there. */
export function answerLoad(request: IncomingMessage, response: ServerResponse): void {
  const { url = "" } = request;
  if (url.startsWith("/gone")) answerJson(response, 404, { gone: true });
  else if (url.startsWith("/flaky")) {
    const key = String(request.headers["idempotency-key"] ?? "");
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    if (times <= 2) answerJson(response, 503, { busy: true });
    else answerOk(request, response);
  } else setTimeout(() => answerOk(request, response), 20);
}

const transform = (id: string, expression: string) => ({ id, type: "transform", config: { expression } });
const http = (id: string, url: string, more: object = {}) => ({ id, type: "http", config: { url }, ...more });
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });

const workflows = (url: string) => ({
  inline: { nodes: [transform("a", "inputs"), transform("b", "output")], edges: [edge("a", "b")] },
  calls: { nodes: [http("call", `${url}/ok`), transform("after", "output.body")], edges: [edge("call", "after")] },
  flaky: { nodes: [http("call", `${url}/flaky`, { retry: { max_attempts: 4, backoff_ms: 50 } })] },
  gone: { nodes: [http("call", `${url}/gone`)] },
  refused: { nodes: [http("call", "http://169.254.169.254/latest/meta-data", { retry: { max_attempts: 1 } })] },
  broken: { nodes: [transform("a", "inputs.nothing.there")] },
  branch: {
    nodes: [
      { id: "which", type: "conditional", config: { condition: "inputs.n > 0" } },
      transform("yes", "1"),
      transform("no", "0"),
    ],
    edges: [edge("which", "yes", { branch: "if" }), edge("which", "no", { branch: "else" })],
  },
  asks: { nodes: [{ id: "ask", type: "hitl", config: { message: "Go on?" } }] },
  expires: { nodes: [{ id: "ask", type: "hitl", config: { message: "?", timeout_ms: 1_000, on_timeout: "approve" } }] },
  waits: {
    nodes: [{ id: "hold", type: "wait_for_event", config: { event: "go" } }, transform("last", "1")],
    edges: [edge("hold", "last")],
  },
  agent: { nodes: [{ id: "think", type: "agent", config: { task: "Say hello." } }] },
  tools: { nodes: [{ id: "think", type: "agent", config: { task: `Fetch ${url}/ok and tell what it says.` } }] },
  parent: { nodes: [{ id: "sub", type: "workflow", config: { workflow: "inline" } }] },
});

type Kind = keyof ReturnType<typeof workflows>;
const KINDS: readonly Kind[] = [
  "inline",
  "calls",
  "flaky",
  "gone",
  "refused",
  "broken",
  "branch",
  "asks",
  "expires",
  "waits",
  "agent",
  "tools",
  "parent",
];

/** Saves the workflows of the load. */
export async function prepareLoad(weir: () => WeirProcess, url: string): Promise<void> {
  for (const [tag, workflow] of Object.entries(workflows(url))) {
    const { status, body } = await weir().api("POST", "/api/v1/workflows", { tag, workflow });
    if (status !== 201) throw new Error(`${tag}: ${status} ${JSON.stringify(body)}`);
  }
}

/** Calls until somebody answers with something else than that nobody can. */
async function insist(ask: () => Promise<ApiAnswer>): Promise<ApiAnswer> {
  for (;;) {
    const answer = await ask().catch(() => null);
    if (answer !== null && answer.status < 500) return answer;
    await sleep(50);
  }
}

/** Starts `count` runs of all kinds in turn and does to each what its kind is for; `at` is told how many have begun. */
export async function runLoad(weir: () => WeirProcess, count: number, at: (begun: number) => void): Promise<string[]> {
  let begun = 0;
  const api = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    insist(() => weir().api(method, `/api/v1${path}`, body, headers));
  return inFlight(count, 20, async (n) => {
    const kind = KINDS[n % KINDS.length] as Kind;
    const order = { workflow: kind, inputs: { n: n % 2 } };
    const key = { "Idempotency-Key": `load-${n}` };
    const { body } = await api("POST", "/runs", order, key);
    // A client that did not hear the answer asks again.
    if (n % 4 === 0) await api("POST", "/runs", order, key);
    begun += 1;
    at(begun);
    const id = body.run_id as string;
    await handle(kind, Math.floor(n / KINDS.length), id, api);
    return id;
  });
}

type Api = (method: string, path: string, body?: unknown) => Promise<ApiAnswer>;

async function handle(kind: Kind, round: number, id: string, api: Api): Promise<void> {
  const until = async (status: string) => {
    for (let tries = 0; tries < 600; tries++) {
      const { body } = await api("GET", `/runs/${id}`);
      if (body.status === status || body.ended_at) return;
      await sleep(50);
    }
    throw new Error(`${id} (${kind}) is not ${status}`);
  };
  if (kind === "asks") {
    await until("waiting");
    for (let tries = 0; tries < 200; tries++) {
      const { body } = await api("GET", "/approvals?status=pending&limit=200");
      const approval = body.items.find((item: { run_id: string }) => item.run_id === id);
      if (approval !== undefined) {
        const decision = round % 2 === 0 ? { decision: "approve" } : { decision: "reject", comments: "no" };
        // The last of them stays open.
        if (round % 4 !== 3) await api("POST", `/approvals/${approval.approval_id}/decide`, decision);
        return;
      }
      await sleep(50);
    }
  } else if (kind === "waits") {
    await until("waiting");
    const turn = round % 5;
    if (turn === 0) await api("POST", `/runs/${id}/signals/go`, {});
    else if (turn === 1) await api("POST", `/runs/${id}/cancel`, {});
    else if (turn === 2) await api("POST", `/runs/${id}/pause`, {});
    else if (turn === 3) await patchAndRevert(id, api);
  } else if (kind === "gone" && round % 2 === 0) {
    await until("failed");
    await api("POST", `/runs/${id}/nodes/call/replay`, { reason: "again" });
  }
}

async function patchAndRevert(id: string, api: Api): Promise<void> {
  const operations = [{ op: "add", path: "/nodes/-", value: transform("more", "2") }];
  await api("POST", `/runs/${id}/patches`, { operations: [...operations, link("last", "more")] });
  await api("DELETE", `/runs/${id}/patches/1`);
  await api("POST", `/runs/${id}/patches`, { operations: [...operations, link("last", "more")] });
  await api("POST", `/runs/${id}/signals/go`, {});
}

const link = (from: string, to: string) => ({ op: "add", path: "/edges/-", value: edge(from, to) });
