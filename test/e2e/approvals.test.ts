/** Approvals over HTTP on a real Weir: votes, quorum, expiry, escalation, the inbox, and signed links. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError, follow } from "../support/follow.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { startWitness, type Witness } from "../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;
const api = follow(() => weir);

beforeAll(async () => {
  witness = await startWitness();
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
});

afterAll(async () => {
  await weir.stop();
  await witness.close();
});

interface Key {
  id: string;
  headers: { authorization: string };
}

async function makeKey(...scopes: string[]): Promise<Key> {
  const { status, body } = await api.post("/keys", { name: "test", scopes });
  expect(status).toBe(201);
  return { id: body.id, headers: { authorization: `Bearer ${body.key}` } };
}

const hitl = (config: object = {}) => ({
  nodes: [
    { id: "ask", type: "hitl", config: { message: "Pay 120 EUR?", ...config } },
    { id: "paid", type: "transform", config: { expression: "output.decision" } },
  ],
  edges: [{ from: "ask", to: "paid" }],
});

/** Starts it and gives the run's id and that of its approval. */
async function ask(config: object = {}): Promise<{ id: string; approval: string }> {
  const id = await api.start(hitl(config));
  await api.until(id, (run) => run.status === "waiting");
  return { id, approval: await approvalOf(id) };
}

async function approvalOf(id: string): Promise<string> {
  const { approvals } = (await api.get(`/runs/${id}/details`)).body;
  return approvals.at(-1).approval_id;
}

const decide = (approval: string, body: object, headers?: Record<string, string>) =>
  api.post(`/approvals/${approval}/decide`, body, headers);

describe("votes", () => {
  test("an approval leads on; who decided and why stands in the output", async () => {
    const { id, approval } = await ask();
    const voter = await makeKey("approve");
    const answer = await decide(approval, { decision: "approve", comments: "fine" }, voter.headers);
    expect(answer).toMatchObject({ status: 200, body: { approval_id: approval, status: "approved" } });
    expect((await api.end(id)).outputs).toEqual({ paid: "approve" });
    const { node_executions: nodes } = (await api.get(`/runs/${id}/details`)).body;
    expect(nodes.ask.output).toMatchObject({ approved: true, decided_by: voter.id, comments: "fine" });
  });

  test("a rejection needs a comment, and fails the node without a failure edge", async () => {
    const { id, approval } = await ask();
    expectError(await decide(approval, { decision: "reject" }), 422, "invalid");
    expectError(await decide(approval, { decision: "reject", comments: "  " }), 422, "invalid");
    expectError(await decide(approval, { decision: "perhaps" }), 422, "invalid");
    expect((await api.get(`/approvals/${approval}`)).body).toMatchObject({ status: "pending", decisions: [] });
    const rejected = await decide(approval, { decision: "reject", comments: "too much" });
    expect(rejected).toMatchObject({ status: 200, body: { status: "rejected" } });
    expect(await api.end(id)).toMatchObject({ status: "failed", error: { code: "approval_rejected", node: "ask" } });
  });

  test("below the quorum it stays pending; each key votes once; one rejection decides", async () => {
    const keys = await Promise.all([makeKey("approve"), makeKey("approve"), makeKey("approve")]);
    const [first, second, third] = keys as [Key, Key, Key];
    const { id, approval } = await ask({ quorum: 2 });
    const one = await decide(approval, { decision: "approve" }, first.headers);
    expect(one).toMatchObject({ status: 200, body: { status: "pending", decisions: [{ key: first.id }] } });
    expectError(await decide(approval, { decision: "approve" }, first.headers), 409, "conflict");
    expect((await api.get(`/runs/${id}`)).body.status).toBe("waiting");
    const two = await decide(approval, { decision: "approve" }, second.headers);
    expect(two).toMatchObject({ status: 200, body: { status: "approved", decisions: [{}, {}] } });
    const late = await decide(approval, { decision: "approve" }, third.headers);
    expectError(late, 409, "conflict");
    expect(late.body.error.details).toMatchObject({ status: "approved" });
    expect((await api.end(id)).status).toBe("completed");

    const again = await ask({ quorum: 2 });
    await decide(again.approval, { decision: "approve" }, first.headers);
    const no = await decide(again.approval, { decision: "reject", comments: "no" }, second.headers);
    expect(no.body.status).toBe("rejected");
    expect((await api.end(again.id)).status).toBe("failed");
  });

  test("who is not asked is 403, who may not approve at all too; nothing has changed", async () => {
    const [asked, other, reader] = [await makeKey("approve"), await makeKey("approve"), await makeKey("read", "run")];
    const { id, approval } = await ask({ approvers: [asked.id] });
    expectError(await decide(approval, { decision: "approve" }, other.headers), 403, "forbidden");
    expectError(await decide(approval, { decision: "approve" }, reader.headers), 403, "forbidden");
    expect((await api.get(`/approvals/${approval}`)).body).toMatchObject({ status: "pending", decisions: [] });
    expect((await decide(approval, { decision: "approve" }, asked.headers)).status).toBe(200);
    expect((await api.end(id)).status).toBe("completed");
  });

  test("of decisions that come at once exactly one is taken", async () => {
    const keys = await Promise.all(Array.from({ length: 10 }, () => makeKey("approve")));
    const { id, approval } = await ask();
    const answers = await Promise.all(
      keys.map(({ headers }, n) =>
        decide(approval, n % 2 === 0 ? { decision: "approve" } : { decision: "reject", comments: "no" }, headers),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(409)]);
    const winner = answers.find(({ status }) => status === 200)?.body.status;
    for (const { status, body } of answers) if (status === 409) expect(body.error.details.status).toBe(winner);
    const run = await api.end(id);
    expect(run.status).toBe(winner === "approved" ? "completed" : "failed");
    const events = await api.events(id);
    expect(events.filter(({ type }) => type === "approval.decided")).toHaveLength(1);
    expect(events.filter(({ type }) => type === "approval.voted")).toHaveLength(1);
  });

  test("an approval of a cancelled run is 409, one that is not there 404", async () => {
    const { id, approval } = await ask();
    await api.post(`/runs/${id}/cancel`);
    expectError(await decide(approval, { decision: "approve" }), 409, "conflict");
    expect((await api.get(`/approvals/${approval}`)).body.status).toBe("cancelled");
    expectError(await decide(approval.replace("-1-", "-2-"), { decision: "approve" }), 404, "not_found");
    expectError(await decide("nonsense", { decision: "approve" }), 404, "not_found");
  });
});

describe("time", () => {
  test.each([
    ["reject", { status: "failed", error: { code: "approval_rejected" } }],
    ["approve", { status: "completed", outputs: { paid: "approve" } }],
    ["fail", { status: "failed", error: { code: "timeout" } }],
  ])("an approval that nobody decides in time ends by itself: on_timeout %s", async (onTimeout, end) => {
    const { id, approval } = await ask({ timeout_ms: 400, on_timeout: onTimeout });
    const view = (await api.get(`/approvals/${approval}`)).body;
    expect(await api.end(id)).toMatchObject(end);
    const [expired] = (await api.events(id)).filter(({ type }) => type === "approval.expired");
    // Invariant 11.
    expect(Date.parse(expired.at)).toBeGreaterThanOrEqual(Date.parse(view.expires_at));
    expect((await api.get(`/approvals/${approval}`)).body.status).toBe("expired");
    expectError(await decide(approval, { decision: "approve" }), 409, "conflict");
  });

  test("an escalation tells somebody else, and the approval stays open", async () => {
    const url = `${witness.url}/escalations`;
    const { id, approval } = await ask({ timeout_ms: 60_000, escalate_to: url, escalate_after_ms: 200 });
    const told = () => witness.requests.filter((request) => request.url === "/escalations");
    await expect.poll(told, { timeout: 30_000 }).toHaveLength(1);
    expect(told()[0]?.method).toBe("POST");
    expect(JSON.parse(told()[0]?.body ?? "")).toMatchObject({
      approval_id: approval,
      run_id: id,
      message: "Pay 120 EUR?",
      quorum: 1,
      votes: 0,
    });
    expect(told()[0]?.headers["idempotency-key"]).toBe(`${id}/ask[escalation]/1`);
    expect((await decide(approval, { decision: "approve" })).status).toBe(200);
    expect((await api.end(id)).status).toBe("completed");
    expect(told()).toHaveLength(1);
  });

  test("an escalation that cannot be delivered does not harm the run", async () => {
    const { id, approval } = await ask({ escalate_to: "http://10.0.0.1/", escalate_after_ms: 1 });
    const has = async () =>
      (await api.events(id)).some(({ node, type }) => node === "ask[escalation]" && type === "node.failed");
    await expect.poll(has, { timeout: 30_000 }).toBe(true);
    expect((await api.get(`/runs/${id}`)).body.status).toBe("waiting");
    await decide(approval, { decision: "approve" });
    expect((await api.end(id)).status).toBe("completed");
  });
});

describe("the inbox", () => {
  test("lists what is pending within two seconds, and no more once it is decided", async () => {
    const { approval } = await ask();
    const find = async (status: string) =>
      (await api.get(`/approvals?status=${status}&limit=200`)).body.items.find(
        (item: { approval_id: string }) => item.approval_id === approval,
      );
    await expect.poll(() => find("pending"), { timeout: 10_000 }).toMatchObject({ message: "Pay 120 EUR?" });
    await decide(approval, { decision: "approve" });
    await expect.poll(() => find("approved"), { timeout: 10_000 }).toMatchObject({ decisions: [{}] });
    expect(await find("pending")).toBeUndefined();
  });
});

describe("signed links", () => {
  const withoutKey = { authorization: "" };
  const open = (url: string, accept = "application/json") =>
    weir.api("GET", new URL(url).pathname, undefined, { ...withoutKey, accept });
  const cast = (url: string, body: object, more: Record<string, string> = {}) =>
    weir.api("POST", new URL(url).pathname, body, { ...withoutKey, ...more });
  const link = async (approval: string, body?: object, headers?: Record<string, string>) =>
    (await api.post(`/approvals/${approval}/links`, body, headers)).body;

  test("opening one shows and changes nothing, however often; its POST decides, once", async () => {
    const { id, approval } = await ask();
    const { url } = await link(approval, { voter: "zoe@example.com" });
    const before = await api.events(id);
    for (const accept of ["text/html", "application/json", "*/*"]) {
      expect((await open(url, accept)).status).toBe(200);
      expect((await weir.api("HEAD", new URL(url).pathname, undefined, { ...withoutKey, accept })).status).toBe(200);
    }
    expect((await open(url, "text/html")).body).toContain("Pay 120 EUR?");
    expect((await open(url)).body).toMatchObject({ status: "pending", voter: "zoe@example.com", approvals: 0 });
    expect(await api.events(id)).toEqual(before);

    expectError(await cast(url, { decision: "reject" }), 422, "invalid");
    expect(await api.events(id)).toEqual(before);
    expect(await cast(url, { decision: "approve" })).toMatchObject({ status: 200, body: { status: "approved" } });
    expectError(await cast(url, { decision: "approve" }), 409, "conflict");
    expectError(await open(url), 409, "conflict");
    const run = await api.end(id);
    expect(run).toMatchObject({ status: "completed" });
    const { decisions } = (await api.get(`/approvals/${approval}`)).body;
    expect(decisions).toMatchObject([{ key: "zoe@example.com", decision: "approve" }]);
  });

  test("the form of a browser decides too, and is told by a page", async () => {
    const { id, approval } = await ask();
    const { url } = await link(approval);
    const response = await fetch(url, {
      method: "POST",
      headers: { accept: "text/html" },
      body: new URLSearchParams({ decision: "reject", comments: "<b>no</b>" }),
    });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(await response.text()).toContain("Rejected");
    expect((await api.end(id)).error.message).toContain("<b>no</b>");
  });

  test("of ten clicks at once exactly one is taken", async () => {
    const { id, approval } = await ask({ quorum: 2 });
    const { url } = await link(approval);
    const answers = await Promise.all(Array.from({ length: 10 }, () => cast(url, { decision: "approve" })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(409)]);
    expect((await api.get(`/approvals/${approval}`)).body).toMatchObject({ status: "pending", decisions: [{}] });
    await api.post(`/runs/${id}/cancel`);
    expectError(await cast(url, { decision: "approve" }), 409, "conflict");
  });

  test("one that was changed, has expired, or whose maker was revoked does not serve", async () => {
    const maker = await makeKey("approve");
    const { id, approval } = await ask();
    const { url } = await link(approval, {}, maker.headers);
    const { url: short } = await link(approval, { expires_in_ms: 1_000 });
    expectError(await open(`${url.slice(0, -3)}AAA`), 404, "not_found");
    expectError(await cast(`${url}x`, { decision: "approve" }), 404, "not_found");
    await expect.poll(async () => (await open(short)).status, { timeout: 10_000 }).toBe(410);
    expectError(await cast(short, { decision: "approve" }), 410, "gone");
    expect((await open(url)).status).toBe(200);
    expect((await api.remove(`/keys/${maker.id}`)).status).toBe(204);
    expectError(await cast(url, { decision: "approve" }), 410, "gone");
    expect((await api.get(`/approvals/${approval}`)).body).toMatchObject({ status: "pending", decisions: [] });
    await api.post(`/runs/${id}/cancel`);
  });

  test("nobody makes a link for a vote that is not theirs, or for one who is not asked", async () => {
    const [asked, other] = [await makeKey("approve"), await makeKey("approve")];
    const { id, approval } = await ask({ approvers: [asked.id] });
    const links = `/approvals/${approval}/links`;
    expectError(await api.post(links, {}, other.headers), 403, "forbidden");
    expectError(await api.post(links, { voter: asked.id }, other.headers), 403, "forbidden");
    expectError(await api.post(links, { voter: "zoe@example.com" }), 403, "forbidden");
    const { url } = (await api.post(links, { voter: asked.id })).body;
    expect((await cast(url, { decision: "approve" })).status).toBe(200);
    expectError(await decide(approval, { decision: "approve" }, asked.headers), 409, "conflict");
    expect((await api.end(id)).status).toBe("completed");
  });
});
