/** Patches of runs, over HTTP on a real Weir: applied, tried, refused, gated, taken back; and a thousand that are wrong. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError, follow } from "../support/follow.ts";
import { inFlight } from "../support/in-flight.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

let weir: WeirProcess;
const api = follow(() => weir);

beforeAll(async () => {
  weir = await startWeir();
});

afterAll(async () => {
  await weir.stop();
});

const transform = (id: string, expression: string) => ({ id, type: "transform", config: { expression } });
const wait = (id: string) => ({ id, type: "wait_for_event", config: { event: id } });
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });

/** `made` completes at once, `hold` waits for its signal, `last` has not started. */
const held = (metadata?: object) => ({
  nodes: [transform("made", "{'n': 20}"), wait("hold"), transform("last", "1")],
  edges: [edge("made", "hold"), edge("hold", "last")],
  ...(metadata === undefined ? {} : { metadata }),
});

async function start(definition: object = held()): Promise<string> {
  const id = await api.start(definition);
  await api.until(id, (run) => run.status === "waiting");
  return id;
}

const add = (node: object) => ({ op: "add", path: "/nodes/-", value: node });
const link = (from: string, to: string, more: object = {}) => ({
  op: "add",
  path: "/edges/-",
  value: edge(from, to, more),
});
const patch = (id: string, operations: unknown, more: object = {}, headers?: Record<string, string>) =>
  api.post(`/runs/${id}/patches`, { operations, ...more }, headers);
const detailsOf = async (id: string) => (await api.get(`/runs/${id}/details`)).body;

describe("a patch", () => {
  test("adds work after a completed node, and it runs at once", async () => {
    const id = await start();
    const answer = await patch(id, [add(transform("more", "output.n + 1.0")), link("made", "more")], {
      description: "one more",
    });
    expect(answer).toMatchObject({ status: 201, body: { seq: 1, status: "applied" } });
    expect(answer.headers.get("etag")).toBe('"1"');
    expect(answer.headers.get("location")).toBe(`/api/v1/runs/${id}/patches/1`);
    const details = await detailsOf(id);
    expect(details).toMatchObject({ status: "waiting", patch_seq: 1 });
    expect(details.node_executions.more).toMatchObject({ status: "completed", output: 21 });
    expect(details.definition.nodes).toHaveLength(4);
    await api.post(`/runs/${id}/signals/hold`);
    expect((await api.end(id)).outputs).toEqual({ last: 1, more: 21 });
    expectError(await patch(id, [add(transform("late", "1"))]), 409, "conflict");
  });

  test("a new edge is judged by its own condition, and what was taken stays taken", async () => {
    const id = await start();
    const operations = [
      add(transform("yes", "1")),
      link("made", "yes", { condition: "output.n > 10.0" }),
      add(transform("no", "1")),
      link("made", "no", { condition: "output.n < 10.0" }),
    ];
    expect((await patch(id, operations)).status).toBe(201);
    const { node_executions: nodes } = await detailsOf(id);
    expect([nodes.yes.status, nodes.no.status, nodes.hold.status]).toEqual(["completed", "skipped", "waiting"]);
    await api.post(`/runs/${id}/cancel`);
  });

  test("dry_run says what would change, and changes nothing", async () => {
    const id = await start();
    const before = await api.events(id);
    const operations = [add(transform("more", "1")), link("made", "more")];
    const { status, body } = await patch(id, operations, { dry_run: true });
    expect(status).toBe(200);
    expect(body.diff.summary.length).toBeGreaterThan(0);
    expect(JSON.stringify(body.diff.operations)).toContain('"more"');
    expectError(await patch(id, [add(transform("made", "1"))], { dry_run: true }), 422, "invalid");
    expect(await api.events(id)).toEqual(before);
    expect((await api.get(`/runs/${id}/patches`)).body).toEqual({ items: [] });
    await api.post(`/runs/${id}/cancel`);
  });

  test("If-Match names the patch it was made after; a stale one is 412", async () => {
    const id = await start();
    const operations = (name: string) => [add(transform(name, "1")), link("last", name)];
    const match = (value: string) => ({ "If-Match": value });
    expectError(await patch(id, operations("a"), {}, match('"1"')), 412, "precondition_failed");
    expectError(await patch(id, operations("a"), {}, match("nonsense")), 412, "precondition_failed");
    expect((await patch(id, operations("a"), {}, match('"0"'))).status).toBe(201);
    expectError(await patch(id, operations("b"), {}, match('"0"')), 412, "precondition_failed");
    expectError(await patch(id, operations("b"), { dry_run: true }, match('"0"')), 412, "precondition_failed");
    expect((await patch(id, operations("b"), {}, match("*"))).status).toBe(201);
    const both = await Promise.all(["c", "d", "e"].map((name) => patch(id, operations(name), {}, match('"2"'))));
    expect(both.map(({ status }) => status).sort()).toEqual([201, 412, 412]);
    expect(await detailsOf(id)).toMatchObject({ patch_seq: 3 });
    await api.post(`/runs/${id}/cancel`);
  });

  test("of a node that has started, or an edge into it, is 422 and names it", async () => {
    const id = await start();
    const before = await api.events(id);
    const frozen = [
      [{ op: "replace", path: "/nodes/0/config/expression", value: "2" }],
      [{ op: "replace", path: "/nodes/1/config/event", value: "other" }],
      [
        { op: "remove", path: "/nodes/0" },
        { op: "remove", path: "/edges/0" },
      ],
      [{ op: "remove", path: "/edges/0" }],
      [add(transform("x", "1")), link("x", "hold")],
      [{ op: "add", path: "/edges/0/condition", value: "true" }],
    ];
    for (const operations of frozen) {
      const answer = await patch(id, operations);
      expectError(answer, 422, "invalid");
      expect(JSON.stringify(answer.body.error.details)).toMatch(/has started|is resolved/);
    }
    expect(await api.events(id)).toEqual(before);
    expect((await patch(id, [{ op: "replace", path: "/nodes/2/config/expression", value: "2" }])).status).toBe(201);
    await api.post(`/runs/${id}/signals/hold`);
    expect((await api.end(id)).outputs).toEqual({ last: 2 });
  });

  test("a hundred operations are taken, one more is refused", async () => {
    const id = await start();
    const operations = (count: number) =>
      Array.from({ length: Math.ceil(count / 2) }, (_, n) => [add(transform(`n${n}`, "1")), link("last", `n${n}`)])
        .flat()
        .slice(0, count);
    const before = await api.events(id);
    expectError(
      await patch(id, [...operations(100), { op: "test", path: "/nodes/0/id", value: "made" }]),
      422,
      "invalid",
    );
    expectError(await patch(id, []), 422, "invalid");
    expect(await api.events(id)).toEqual(before);
    expect((await patch(id, operations(100))).status).toBe(201);
    expect((await detailsOf(id)).definition.nodes).toHaveLength(53);
    await api.post(`/runs/${id}/signals/hold`);
    expect(Object.keys((await api.end(id)).outputs)).toHaveLength(50);
  });
});

describe("taking back", () => {
  test("the last patch goes if nothing of it has started; then the one before", async () => {
    const id = await start();
    await patch(id, [add(transform("a", "1")), link("last", "a")]);
    await patch(id, [add(transform("b", "1")), link("last", "b")]);
    expectError(await api.remove(`/runs/${id}/patches/1`), 409, "conflict");
    expectError(await api.remove(`/runs/${id}/patches/2`, { "If-Match": '"1"' }), 412, "precondition_failed");
    expect(await api.remove(`/runs/${id}/patches/2`, { "If-Match": '"2"' })).toMatchObject({
      status: 200,
      body: { seq: 2, status: "reverted", patch_seq: 1 },
    });
    expectError(await api.remove(`/runs/${id}/patches/2`), 409, "conflict");
    expect((await api.remove(`/runs/${id}/patches/1`)).body.patch_seq).toBe(0);
    for (const seq of ["3", "0", "x"]) expectError(await api.remove(`/runs/${id}/patches/${seq}`), 404, "not_found");
    // Numbers are not used again.
    expect((await patch(id, [add(transform("c", "3")), link("last", "c")])).body.seq).toBe(3);
    const { items } = (await api.get(`/runs/${id}/patches`)).body;
    expect(items.map(({ status }: { status: string }) => status)).toEqual(["reverted", "reverted", "applied"]);
    expect((await api.get(`/runs/${id}/patches/3`)).body.operations).toHaveLength(2);
    await api.post(`/runs/${id}/signals/hold`);
    expect((await api.end(id)).outputs).toEqual({ c: 3 });
  });

  test("a patch whose node has run stays", async () => {
    const id = await start();
    await patch(id, [add(transform("more", "1")), link("made", "more")]);
    expectError(await api.remove(`/runs/${id}/patches/1`), 409, "conflict");
    expect(await detailsOf(id)).toMatchObject({ patch_seq: 1, node_executions: { more: { status: "completed" } } });
    await api.post(`/runs/${id}/cancel`);
  });
});

describe("gated patches", () => {
  const gated = () => held({ patch_policy: "gated" });
  const operations = (name: string) => [add(transform(name, "7")), link("made", name)];
  const decide = (id: string, seq: number, body: object) => api.post(`/runs/${id}/patches/${seq}/decide`, body);

  test("wait for a decision: an approved one is applied at once, a rejected one never", async () => {
    const id = await start(gated());
    expect(await patch(id, operations("a"))).toMatchObject({ status: 202, body: { seq: 1, status: "proposed" } });
    expect((await patch(id, operations("b"))).body.seq).toBe(2);
    expect(await detailsOf(id)).toMatchObject({ patch_seq: 0 });
    expect(await decide(id, 1, { decision: "approve", comments: "good" })).toMatchObject({
      status: 200,
      body: { seq: 1, status: "applied" },
    });
    expect(await decide(id, 2, { decision: "reject", comments: "why?" })).toMatchObject({
      status: 200,
      body: { status: "rejected", reason: "why?" },
    });
    for (const seq of [1, 2]) expectError(await decide(id, seq, { decision: "approve" }), 409, "conflict");
    expectError(await decide(id, 3, { decision: "approve" }), 404, "not_found");
    const { node_executions: nodes, patch_seq } = await detailsOf(id);
    expect([patch_seq, nodes.a.output, nodes.b]).toEqual([1, 7, undefined]);
    await api.post(`/runs/${id}/cancel`);
  });

  test("of decisions that come at once exactly one is taken", async () => {
    const id = await start(gated());
    await patch(id, operations("a"));
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => decide(id, 1, { decision: n % 2 ? "approve" : "reject" })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)]);
    await api.post(`/runs/${id}/cancel`);
  });

  test("one that no longer fits when it is approved is 422 and stays proposed", async () => {
    const id = await start({ ...gated(), nodes: [...gated().nodes.slice(0, 2), wait("last")] });
    await patch(id, [{ op: "replace", path: "/nodes/2/config/event", value: "other" }]);
    await api.post(`/runs/${id}/signals/hold`);
    await api.until(id, (run) => run.waiting_for?.[0]?.node === "last");
    expectError(await decide(id, 1, { decision: "approve" }), 422, "invalid");
    expect((await api.get(`/runs/${id}/patches/1`)).body.status).toBe("proposed");
    expect((await decide(id, 1, { decision: "reject" })).status).toBe(200);
    await api.post(`/runs/${id}/cancel`);
  });
});

describe("patches that are wrong", () => {
  const name = fc.string({ maxLength: 12 });
  const place = fc.oneof(
    fc.constantFrom(
      "/nodes/0",
      "/nodes/0/id",
      "/nodes/1/type",
      "/edges/0",
      "/edges/0/to",
      "/nodes",
      "/edges",
      "",
      "/metadata",
    ),
    fc.constantFrom(
      "/nodes/9",
      "/nodes/01",
      "/nodes/-/x",
      "/__proto__/a",
      "/nodes/0/constructor/prototype",
      "/ghost/x",
      "nodes",
      "/~2",
    ),
    name.map((text) => `/${text}`),
  );
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constant({ id: "x", type: "lop" }),
    fc.constant(edge("ghost", "made")),
  );
  const anyOperation = fc.oneof(
    fc.record({ op: fc.constantFrom("add", "replace", "test", "brew"), path: place, value }),
    fc.record({ op: fc.constantFrom("remove", "add", "move", "copy"), path: place }),
    fc.record({ op: fc.constantFrom("move", "copy"), from: place, path: place }),
    fc.jsonValue({ maxDepth: 2 }),
  );
  /** Whatever else it holds, one operation of it cannot be done. */
  const impossible = fc.constantFrom<object>(
    { op: "test", path: "/nodes/0/id", value: "nobody" },
    { op: "remove", path: "/nodes/99" },
    { op: "add", path: "/nodes/-", value: { id: "made", type: "parallel" } },
    { op: "add", path: "/edges/-", value: edge("made", "ghost") },
    { op: "replace", path: "/nodes/0/config", value: { expression: "3" } },
    { op: "add", path: "/nodes/-", value: { id: "y", type: "transform", config: { expression: "1 +" } } },
    { op: "add", path: "/nodes/-", value: { id: "y", type: "lop" } },
    { op: "add", path: "/__proto__/x", value: 1 },
  );
  const wrong = fc
    .tuple(fc.array(anyOperation, { maxLength: 4 }), impossible, fc.array(anyOperation, { maxLength: 2 }))
    .map(([before, no, after]) => [...before, no, ...after]);

  test("a thousand at random change nothing, whatever is in flight beside them", async () => {
    const id = await start();
    const before = await api.events(id);
    const bodies = fc.sample(wrong, { numRuns: 1_000, seed: 20_261_124 });
    const statuses = await inFlight(bodies.length, 8, async (n) => {
      const answer = await patch(id, bodies[n]);
      return { status: answer.status, code: answer.body.error?.code, operations: bodies[n] };
    });
    expect(statuses.filter(({ status, code }) => status !== 422 || code !== "invalid")).toEqual([]);
    expect(await api.events(id)).toEqual(before);
    expect((await api.get(`/runs/${id}/patches`)).body).toEqual({ items: [] });
    await api.post(`/runs/${id}/signals/hold`);
    expect((await api.end(id)).outputs).toEqual({ last: 1 });
  });
});
