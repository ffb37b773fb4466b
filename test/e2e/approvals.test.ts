/** Approvals over HTTP: asked, found in the inbox, decided once by those who are asked, by key or by signed link. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiAnswer, startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerOk, startWitness, type Witness } from "../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;
/** Keys with the scope `approve`, by name. */
const keys: Record<string, { id: string; key: string }> = {};

beforeAll(async () => {
  witness = await startWitness(answerOk);
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
  for (const name of ["ann", "bob", "cid"]) {
    keys[name] = (await api("POST", "/keys", { name, tenant: "default", scopes: ["approve", "read"] })).body;
  }
});

afterAll(async () => {
  await weir.stop();
  await witness.close();
});

const api = (method: string, path: string, body?: unknown, headers = {}) =>
  weir.api(method, `/api/v1${path}`, body, headers);
const get = (path: string) => api("GET", path);
const as = (name: string, method: string, path: string, body?: unknown) =>
  api(method, path, body, { authorization: `Bearer ${keys[name]?.key}` });

/** Asks, then says what came of it. A refusal takes the failure edge. */
const asking = (config: object) => ({
  nodes: [
    { id: "approve", type: "hitl", config: { message: "Pay ${$inputs.amount} €?", ...config } },
    { id: "pay", type: "transform", config: { expression: "{'paid': inputs.amount, 'by': nodes.approve.decided_by}" } },
    { id: "stop", type: "transform", config: { expression: "{'stopped': output.code, 'why': output.message}" } },
  ],
  edges: [
    { from: "approve", to: "pay" },
    { from: "approve", to: "stop", on: "failure" },
  ],
});

/** A run that waits for its approval: its id and the approval's. */
async function ask(config: object = {}) {
  const started = await api("POST", "/runs", { definition: asking(config), inputs: { amount: 1200 } });
  expect(started.status).toBe(202);
  const runId: string = started.body.run_id;
  const { approvals } = (await get(`/runs/${runId}/details`)).body;
  return { runId, approvalId: approvals[0].approval_id as string };
}

async function until<Value>(ask: () => Promise<Value | null>, waitMs = 5_000): Promise<Value> {
  for (const end = Date.now() + waitMs; ; await sleep(50)) {
    const value = await ask();
    if (value !== null) return value;
    if (Date.now() > end) throw new Error("it did not happen in time");
  }
}

const ended = (runId: string) =>
  until(async () => {
    const { body } = await get(`/runs/${runId}`);
    return body.ended_at === null ? null : body;
  });

/** The inbox's row once it is as it should be. */
const inboxHas = (approvalId: string, status: string) =>
  until(async () => {
    const { body } = await get(`/approvals?status=${status}&limit=200`);
    return body.items.find((item: { approval_id: string }) => item.approval_id === approvalId) ?? null;
  });

describe("an approval", () => {
  test("is asked for, found in the inbox, decided, and the run goes on", async () => {
    const { runId, approvalId } = await ask({ approvers: [keys.ann?.id] });
    const whole = {
      approval_id: approvalId,
      run_id: runId,
      node_id: "approve",
      message: "Pay 1200 €?",
      status: "pending",
      approvers: [keys.ann?.id],
      quorum: 1,
      decisions: [],
      decided_at: null,
      on_timeout: "reject",
    };
    expect((await get(`/runs/${runId}`)).body).toMatchObject({ status: "waiting" });
    expect(await get(`/approvals/${approvalId}`)).toMatchObject({ status: 200, body: whole });
    expect(await inboxHas(approvalId, "pending")).toMatchObject(whole);
    expect((await get(`/runs/${runId}/explain`)).body.summary).toContain("approve");

    const decided = await as("ann", "POST", `/approvals/${approvalId}/decide`, { decision: "approve", comments: "ok" });
    const vote = { key: keys.ann?.id, decision: "approve", comments: "ok" };
    expect(decided).toMatchObject({ status: 200, body: { status: "approved", decisions: [vote] } });
    expect(await ended(runId)).toMatchObject({
      status: "completed",
      outputs: { pay: { paid: 1200, by: keys.ann?.id } },
    });
    expect(await inboxHas(approvalId, "approved")).toMatchObject({ decisions: [vote] });
    expect((await get(`/runs/${runId}/details`)).body.approvals).toMatchObject([{ status: "approved" }]);
  });

  test("that is refused takes the failure edge alone", async () => {
    const { runId, approvalId } = await ask();
    const answer = await as("bob", "POST", `/approvals/${approvalId}/decide`, {
      decision: "reject",
      comments: "too much",
    });
    expect(answer).toMatchObject({ status: 200, body: { status: "rejected" } });
    const run = await ended(runId);
    expect(run).toMatchObject({ status: "completed", outputs: { stop: { stopped: "approval_rejected" } } });
    expect(run.outputs.stop.why).toContain("too much");
    expect(run.outputs).not.toHaveProperty("pay");
  });

  test("a refusal without a reason is 422 and decides nothing", async () => {
    const { approvalId } = await ask();
    const answer = await as("bob", "POST", `/approvals/${approvalId}/decide`, { decision: "reject" });
    expect(answer).toMatchObject({ status: 422, body: { error: { details: [{ pointer: "/comments" }] } } });
    expect((await get(`/approvals/${approvalId}`)).body).toMatchObject({ status: "pending", decisions: [] });
  });

  test("is decided once, however many decide at the same moment; the others learn how", async () => {
    for (const same of [true, false]) {
      const { runId, approvalId } = await ask();
      const votes = await Promise.all(
        Array.from({ length: 12 }, (_, n) => {
          const name = same ? "ann" : (["ann", "bob", "cid"][n % 3] ?? "");
          const decision = n % 2 === 0 ? "approve" : "reject";
          return as(name, "POST", `/approvals/${approvalId}/decide`, { decision, comments: `vote ${n}` });
        }),
      );
      expect(votes.filter(({ status }) => status === 200)).toHaveLength(1);
      const won = votes.find(({ status }) => status === 200)?.body;
      for (const { status, body } of votes.filter((vote) => vote.status !== 200)) {
        expect(status).toBe(409);
        expect(body.error).toMatchObject({
          code: "conflict",
          details: { status: won.status, decisions: won.decisions },
        });
      }
      expect((await get(`/approvals/${approvalId}`)).body).toEqual(won);
      expect((await ended(runId)).status).toBe("completed");
    }
  });

  test("is not for keys that are not asked: 403, and nothing has changed", async () => {
    const { approvalId } = await ask({ approvers: [keys.ann?.id, "zoe@example.com"] });
    for (const name of ["bob", "cid"]) {
      const answer = await as(name, "POST", `/approvals/${approvalId}/decide`, { decision: "approve" });
      expect(answer).toMatchObject({ status: 403, body: { error: { code: "forbidden" } } });
    }
    expect((await get(`/approvals/${approvalId}`)).body).toMatchObject({ status: "pending", decisions: [] });
    const reader = (await api("POST", "/keys", { name: "r", tenant: "default", scopes: ["read"] })).body;
    const answer = await api(
      "POST",
      `/approvals/${approvalId}/decide`,
      { decision: "approve" },
      { authorization: `Bearer ${reader.key}` },
    );
    expect(answer.status).toBe(403);
  });

  test("with a quorum waits for as many, each key once; one refusal decides", async () => {
    const one = await ask({ quorum: 2 });
    const first = await as("ann", "POST", `/approvals/${one.approvalId}/decide`, { decision: "approve" });
    expect(first).toMatchObject({ status: 200, body: { status: "pending", decisions: [{ key: keys.ann?.id }] } });
    const again = await as("ann", "POST", `/approvals/${one.approvalId}/decide`, { decision: "approve" });
    expect(again).toMatchObject({ status: 409, body: { error: { details: { status: "pending" } } } });
    expect(await inboxHas(one.approvalId, "pending")).toMatchObject({ decisions: [{ key: keys.ann?.id }] });
    const second = await as("bob", "POST", `/approvals/${one.approvalId}/decide`, { decision: "approve" });
    expect(second).toMatchObject({ status: 200, body: { status: "approved" } });
    expect((await ended(one.runId)).outputs).toHaveProperty("pay");

    const other = await ask({ quorum: 3 });
    await as("ann", "POST", `/approvals/${other.approvalId}/decide`, { decision: "approve" });
    const refused = await as("bob", "POST", `/approvals/${other.approvalId}/decide`, {
      decision: "reject",
      comments: "no",
    });
    expect(refused).toMatchObject({ status: 200, body: { status: "rejected" } });
    expect((await ended(other.runId)).outputs).toHaveProperty("stop");
  });

  test.each([
    ["reject", "stop", { stopped: "approval_rejected" }],
    ["approve", "pay", { paid: 1200 }],
    ["fail", "stop", { stopped: "timeout" }],
  ])("that nobody decides in time ends by on_timeout %s", async (onTimeout, node, output) => {
    const { runId, approvalId } = await ask({ timeout_ms: 400, on_timeout: onTimeout });
    expect((await ended(runId)).outputs).toMatchObject({ [node]: output });
    expect(await inboxHas(approvalId, "expired")).toMatchObject({ decisions: [] });
    const late = await as("ann", "POST", `/approvals/${approvalId}/decide`, { decision: "approve" });
    expect(late).toMatchObject({ status: 409, body: { error: { details: { status: "expired" } } } });
  });

  test("ends with its run", async () => {
    const { runId, approvalId } = await ask();
    expect((await api("POST", `/runs/${runId}/cancel`)).status).toBe(202);
    expect(await inboxHas(approvalId, "cancelled")).toMatchObject({ run_id: runId });
    const late = await as("ann", "POST", `/approvals/${approvalId}/decide`, { decision: "approve" });
    expect(late).toMatchObject({ status: 409, body: { error: { details: { status: "cancelled" } } } });
  });

  test("of each pass of a loop is one of its own, and the inbox keeps how each ended", async () => {
    const definition = {
      nodes: [
        { id: "begin", type: "parallel" },
        { id: "approve", type: "hitl", config: { message: "Round ${$iteration}?" } },
        { id: "again", type: "loop", config: { max_iterations: 4, loop_back_to: "begin" } },
      ],
      edges: [
        { from: "begin", to: "approve" },
        { from: "approve", to: "again" },
      ],
    };
    const runId = (await api("POST", "/runs", { definition })).body.run_id;
    const seen: string[] = [];
    for (let round = 0; round < 4; round++) {
      const { approvals } = (await get(`/runs/${runId}/details`)).body;
      const open = approvals.filter((each: { status: string }) => each.status === "pending");
      expect(open).toMatchObject([{ message: `Round ${round}?` }]);
      seen.push(open[0].approval_id);
      // No pause: what is asked next follows within the same commit.
      expect(
        (await as("ann", "POST", `/approvals/${open[0].approval_id}/decide`, { decision: "approve" })).status,
      ).toBe(200);
    }
    expect((await ended(runId)).status).toBe("completed");
    expect(new Set(seen).size).toBe(4);
    for (const id of seen) {
      expect(await inboxHas(id, "approved")).toMatchObject({ decisions: [{ key: keys.ann?.id }] });
      expect((await get(`/approvals/${id}`)).body.status).toBe("approved");
      const late = await as("bob", "POST", `/approvals/${id}/decide`, { decision: "approve" });
      expect(late).toMatchObject({
        status: 409,
        body: { error: { details: { approval_id: id, status: "approved" } } },
      });
    }
  });

  test("tells somebody else when nobody decides, once", async () => {
    const { runId, approvalId } = await ask({ escalate_to: `${witness.url}/escalated`, escalate_after_ms: 300 });
    const told = await until(async () => witness.requests.find(({ url }) => url === "/escalated") ?? null);
    expect(JSON.parse(told.body)).toMatchObject({ approval_id: approvalId, run_id: runId });
    await until(async () => ((await get(`/approvals/${approvalId}`)).body.escalation === "sent" ? true : null));
    expect((await as("ann", "POST", `/approvals/${approvalId}/decide`, { decision: "approve" })).status).toBe(200);
    expect((await ended(runId)).outputs).toHaveProperty("pay");
    expect(witness.requests.filter(({ url }) => url === "/escalated")).toHaveLength(1);
  });

  test("that is not there is 404, whatever its id looks like", async () => {
    const { approvalId } = await ask();
    for (const id of ["x", approvalId.replace("-1-", "-2-"), `${approvalId}x`]) {
      for (const answer of [
        await get(`/approvals/${id}`),
        await as("ann", "POST", `/approvals/${id}/decide`, { decision: "approve" }),
      ]) {
        expect(answer).toMatchObject({
          status: 404,
          body: { error: { code: "not_found", message: `there is no approval "${id}"` } },
        });
      }
    }
  });
});

describe("a signed link", () => {
  const BROWSER = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
  const FORM = { ...BROWSER, "content-type": "application/x-www-form-urlencoded" };
  const open = (url: string, headers = {}) => fetch(url, { headers });
  const send = (url: string, fields: Record<string, string>, headers: Record<string, string> = FORM) =>
    fetch(url, { method: "POST", headers, body: new URLSearchParams(fields).toString() });

  async function link(approvalId: string, body?: unknown): Promise<{ url: string; token: string; voter: string }> {
    const made: ApiAnswer = await api("POST", `/approvals/${approvalId}/links`, body);
    expect(made.status).toBe(201);
    return made.body;
  }

  test("needs no key, shows what is asked, changes nothing when opened, decides by its form, once", async () => {
    const { runId, approvalId } = await ask();
    const { url } = await link(approvalId, { voter: "zoe@example.com" });
    expect(url.startsWith(`${weir.url}/api/v1/approve/`)).toBe(true);
    // A mail scanner, a preview, then the person.
    for (let i = 0; i < 3; i++) {
      const page = await open(url, BROWSER);
      expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
      expect(await page.text()).toContain("Pay 1200 €?");
    }
    expect((await fetch(url, { method: "HEAD" })).status).toBe(200);
    expect((await get(`/approvals/${approvalId}`)).body).toMatchObject({ status: "pending", decisions: [] });

    const done = await send(url, { decision: "approve", comments: "fine by me" });
    expect(done.status).toBe(200);
    expect(await done.text()).toContain("Approved");
    expect((await get(`/approvals/${approvalId}`)).body).toMatchObject({
      status: "approved",
      decisions: [{ key: "zoe@example.com", comments: "fine by me", link: expect.any(String) }],
    });
    expect((await ended(runId)).outputs).toEqual({ pay: { paid: 1200, by: "zoe@example.com" } });

    const again = await send(url, { decision: "reject", comments: "I have thought about it" });
    expect(again.status).toBe(409);
    expect(await again.text()).toContain("has been used");
    expect((await open(url)).status).toBe(409);
  });

  test("serves once even when it is sent many times at the same moment", async () => {
    const { approvalId } = await ask({ quorum: 5 });
    const { url } = await link(approvalId);
    const answers = await Promise.all(Array.from({ length: 10 }, () => send(url, { decision: "approve" })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
    expect((await get(`/approvals/${approvalId}`)).body.decisions).toHaveLength(1);
  });

  test("gives nobody a second vote", async () => {
    const { approvalId } = await ask({ quorum: 2 });
    const make = () => as("ann", "POST", `/approvals/${approvalId}/links`);
    const [first, second] = [(await make()).body, (await make()).body];
    expect((await send(first.url, { decision: "approve" })).status).toBe(200);
    expect((await send(second.url, { decision: "approve" })).status).toBe(409);
    const own = await as("ann", "POST", `/approvals/${approvalId}/decide`, { decision: "approve" });
    expect(own.status).toBe(409);
    expect((await as("ann", "POST", `/approvals/${approvalId}/links`, { voter: "somebody" })).status).toBe(403);
    expect((await get(`/approvals/${approvalId}`)).body).toMatchObject({
      status: "pending",
      decisions: [{ key: keys.ann?.id }],
    });
  });

  test("is made only for those who are asked", async () => {
    const { approvalId } = await ask({ approvers: ["zoe@example.com"] });
    expect((await as("bob", "POST", `/approvals/${approvalId}/links`)).status).toBe(403);
    expect((await api("POST", `/approvals/${approvalId}/links`, { voter: "max@example.com" })).status).toBe(403);
    const { url } = await link(approvalId, { voter: "zoe@example.com" });
    expect((await send(url, { decision: "approve" })).status).toBe(200);
  });

  test("expires: 410 as a page and as JSON", async () => {
    const { approvalId } = await ask();
    const { url } = await link(approvalId, { expires_in_ms: 1_000 });
    await sleep(1_100);
    for (const answer of [await open(url, BROWSER), await send(url, { decision: "approve" })]) {
      expect([answer.status, answer.headers.get("content-type")]).toEqual([410, "text/html; charset=utf-8"]);
    }
    const json = await open(url);
    expect([json.status, (await json.json()).error.code]).toEqual([410, "gone"]);
    expect((await get(`/approvals/${approvalId}`)).body.status).toBe("pending");
  });

  test("that was changed in any place is 404", async () => {
    const { approvalId } = await ask();
    const { url, token } = await link(approvalId);
    const base = url.slice(0, url.length - token.length);
    for (const at of [0, 20, token.indexOf("."), token.length - 5]) {
      const forged = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      expect((await open(base + forged)).status).toBe(404);
      expect((await send(base + forged, { decision: "approve" })).status).toBe(404);
    }
  });

  test("ends with the key that made it, and outlives a restart otherwise", async () => {
    const { approvalId } = await ask({ quorum: 2 });
    const maker = (await api("POST", "/keys", { name: "m", tenant: "default", scopes: ["approve"] })).body;
    const made = await api("POST", `/approvals/${approvalId}/links`, {}, { authorization: `Bearer ${maker.key}` });
    const mine = await link(approvalId, { voter: "zoe@example.com" });
    expect((await send(mine.url, { decision: "approve" })).status).toBe(200);
    expect((await api("DELETE", `/keys/${maker.id}`)).status).toBe(204);
    expect((await open(made.body.url)).status).toBe(410);
    const other = await link(approvalId, { voter: "max@example.com" });
    await weir.kill9Workerd();
    await weir.waitForReady(2);
    expect((await get(`/approvals/${approvalId}`)).body).toMatchObject({ decisions: [{ key: "zoe@example.com" }] });
    expect((await open(mine.url)).status).toBe(409);
    const last = await send(other.url, { decision: "approve" });
    expect(last.status).toBe(200);
    expect((await get(`/approvals/${approvalId}`)).body.status).toBe("approved");
    expect(weir.output()).not.toContain(other.token);
  });
});
