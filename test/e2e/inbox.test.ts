/** The inbox keeps how every approval ended, also those that were asked and answered between two looks; links and votes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { follow } from "../support/follow.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

let weir: WeirProcess;
const api = follow(() => weir);
let ann: { id: string; headers: { authorization: string } };

beforeAll(async () => {
  weir = await startWeir();
  const { body } = await api.post("/keys", { name: "ann", scopes: ["approve"] });
  ann = { id: body.id, headers: { authorization: `Bearer ${body.key}` } };
});

afterAll(async () => {
  await weir.stop();
});

const decide = (id: string, headers?: Record<string, string>) =>
  api.post(`/approvals/${id}/decide`, { decision: "approve" }, headers);
const approvalsOf = async (runId: string) => (await api.get(`/runs/${runId}/details`)).body.approvals;
const inboxHas = (id: string, status: string) =>
  expect.poll(
    async () => {
      const { items } = (await api.get(`/approvals?status=${status}&limit=200`)).body;
      return items.find((item: { approval_id: string }) => item.approval_id === id);
    },
    { timeout: 10_000 },
  );

async function ask(config: object = {}) {
  const node = { id: "ask", type: "hitl", config: { message: "Go?", ...config } };
  const runId = await api.start({ nodes: [node] });
  const [{ approval_id: id }] = await approvalsOf(runId);
  return { runId, id: id as string };
}

test("each pass of a loop asks anew, and the inbox has how each ended", async () => {
  const runId = await api.start({
    nodes: [
      { id: "begin", type: "parallel" },
      { id: "ask", type: "hitl", config: { message: "Round ${$iteration}?" } },
      { id: "again", type: "loop", config: { max_iterations: 4, loop_back_to: "begin" } },
    ],
    edges: [
      { from: "begin", to: "ask" },
      { from: "ask", to: "again" },
    ],
  });
  const ids: string[] = [];
  for (let round = 0; round < 4; round++) {
    const open = (await approvalsOf(runId)).filter(({ status }: { status: string }) => status === "pending");
    expect(open).toMatchObject([{ message: `Round ${round}?` }]);
    ids.push(open[0].approval_id);
    // What is asked next follows in the same commit: between two looks several have come and gone.
    expect((await decide(open[0].approval_id, ann.headers)).status).toBe(200);
  }
  expect((await api.end(runId)).status).toBe("completed");
  expect(new Set(ids).size).toBe(4);
  for (const id of ids) {
    await inboxHas(id, "approved").toMatchObject({ decisions: [{ key: ann.id }] });
    expect((await api.get(`/approvals/${id}`)).body).toMatchObject({ approval_id: id, status: "approved" });
    const details = { approval_id: id, status: "approved" };
    expect(await decide(id)).toMatchObject({ status: 409, body: { error: { details } } });
  }
});

test.each([
  ["cancelled", {}, (runId: string) => api.post(`/runs/${runId}/cancel`)],
  ["expired", { timeout_ms: 300 }, () => Promise.resolve()],
])("one that ends as %s leaves what is pending", async (status, config, end) => {
  const { runId, id } = await ask(config);
  await end(runId);
  await api.end(runId);
  await inboxHas(id, status).toMatchObject({ run_id: runId, decisions: [] });
  await inboxHas(id, "pending").toBeUndefined();
  expect(await decide(id)).toMatchObject({ status: 409, body: { error: { details: { status } } } });
});

describe("a signed link", () => {
  const cast = (url: string) =>
    fetch(url, {
      method: "POST",
      headers: { accept: "text/html" },
      body: new URLSearchParams({ decision: "approve" }),
    });

  test("gives nobody a second vote: two links and a key are still one voter", async () => {
    const { id } = await ask({ quorum: 2 });
    const make = async () => (await api.post(`/approvals/${id}/links`, {}, ann.headers)).body.url;
    const [first, second] = [await make(), await make()];
    expect((await cast(first)).status).toBe(200);
    expect((await cast(second)).status).toBe(409);
    expect((await decide(id, ann.headers)).status).toBe(409);
    expect((await api.post(`/approvals/${id}/links`, { voter: "somebody" }, ann.headers)).status).toBe(403);
    expect((await api.get(`/approvals/${id}`)).body).toMatchObject({ status: "pending", decisions: [{ key: ann.id }] });
  });

  test("outlives the process, and so does its use; no token is ever printed", async () => {
    const { id } = await ask({ quorum: 2 });
    const make = async (voter: string) => (await api.post(`/approvals/${id}/links`, { voter })).body;
    const [zoe, max] = [await make("zoe@example.com"), await make("max@example.com")];
    expect((await cast(zoe.url)).status).toBe(200);
    await weir.kill9Workerd();
    await weir.waitForReady(2);
    expect((await cast(zoe.url)).status).toBe(409);
    expect((await cast(max.url)).status).toBe(200);
    expect((await api.get(`/approvals/${id}`)).body).toMatchObject({ status: "approved" });
    for (const { token } of [zoe, max]) expect(weir.output()).not.toContain(token);
  });
});
