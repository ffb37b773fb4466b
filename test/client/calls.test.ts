/** The client by itself, against answers that a test makes: what is sent, what is tried again, what an error says. */
import { describe, expect, test, vi } from "vitest";
import { answerOf, attempt, isWeirError, Weir, type WeirError } from "../../client/weir.ts";

interface Sent {
  url: string;
  method: string;
  headers: Headers;
  body: unknown;
}

type Reply = { status?: number; body?: unknown; headers?: Record<string, string> } | Error;

/** A client whose calls get these replies one after the other, the last one for ever. */
function clientWith(replies: Reply[], options: object = {}) {
  const sent: Sent[] = [];
  const fetch = async (url: unknown, init: RequestInit = {}) => {
    init.signal?.throwIfAborted();
    const body = init.body === undefined ? undefined : JSON.parse(String(init.body));
    sent.push({ url: String(url), method: init.method ?? "GET", headers: new Headers(init.headers), body });
    const reply = replies[Math.min(sent.length, replies.length) - 1] ?? {};
    if (reply instanceof Error) throw reply;
    const { status = 200, body: answer = {}, headers = {} } = reply;
    return new Response(typeof answer === "string" ? answer : JSON.stringify(answer), { status, headers });
  };
  const weir = new Weir({
    url: "https://weir.test/",
    key: "weir_k",
    fetch: fetch as typeof globalThis.fetch,
    ...options,
  });
  return { weir, sent };
}

const refusal = (code: string, more: object = {}) => ({
  error: { code, message: `it is ${code}`, request_id: "r", ...more },
});
const soon = { "Retry-After": "0" };
const definition = { nodes: [{ id: "a", type: "parallel" }] };

async function errorOf(call: Promise<unknown>): Promise<WeirError> {
  const outcome = await attempt(call);
  if (outcome.ok) throw new Error("it did not fail");
  return outcome.error;
}

describe("a request", () => {
  test("goes to the address with the key, parameters as one segment each, filters as a query", async () => {
    const { weir, sent } = clientWith([{ body: { items: [], next_cursor: null, as_of: "" } }]);
    await weir.runs.get("a/b?c#d");
    await weir.workflows.get("index");
    await weir.runs.list({ status: "failed", labels: { "team.a": "x y" }, limit: 5 });
    expect(sent.map(({ url }) => url)).toEqual([
      "https://weir.test/api/v1/runs/a%2Fb%3Fc%23d",
      "https://weir.test/api/v1/workflows/index",
      "https://weir.test/api/v1/runs?status=failed&limit=5&label.team.a=x+y",
    ]);
    expect(sent[0]?.headers.get("Authorization")).toBe("Bearer weir_k");
  });

  test("an address that is none is refused before anything is sent", () => {
    expect(() => new Weir({ url: "weir.test", key: "k" })).toThrow("url must be an http(s) URL");
    expect(() => new Weir({ url: "ftp://weir.test", key: "k" })).toThrow("url must be an http(s) URL");
  });

  test("answerOf gives headers, and the text when it was to be kept", async () => {
    const reply = { body: '{"number": 1.0}', headers: { ETag: '"7"' } };
    const kept = await clientWith([reply], { keepText: true }).weir.workflows.get("t");
    expect([answerOf(kept)?.headers.get("ETag"), answerOf(kept)?.text]).toEqual(['"7"', '{"number": 1.0}']);
    expect(answerOf(await clientWith([reply]).weir.workflows.get("t"))?.text).toBeNull();
    expect(answerOf({})).toBeUndefined();
  });
});

describe("a start", () => {
  const accepted = { status: 202, body: { run_id: "run_1", status: "queued", links: {} } };

  test("has a key of its own each time, and the same one when it is repeated", async () => {
    const { weir, sent } = clientWith([
      new TypeError("socket"),
      { status: 503, body: refusal("unavailable"), headers: soon },
      accepted,
    ]);
    await weir.runs.start({ definition });
    await weir.runs.start({ definition });
    const keys = sent.map(({ headers }) => headers.get("Idempotency-Key"));
    expect(sent).toHaveLength(4);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys.slice(0, 3)).toEqual([keys[0], keys[0], keys[0]]);
    expect(keys[3]).not.toBe(keys[0]);
  });

  test("takes the key that it is given; a batch gets one for each order without", async () => {
    const { weir, sent } = clientWith([{ body: { items: [] } }]);
    await weir.runs.start({ definition }, { idempotencyKey: "mine" });
    await weir.runs.startMany([{ definition }, { definition, idempotency_key: "own" }]);
    expect(sent[0]?.headers.get("Idempotency-Key")).toBe("mine");
    expect(sent[1]?.body).toMatchObject({
      runs: [{ idempotency_key: expect.stringMatching(/^[0-9a-f]{32}$/) }, { idempotency_key: "own" }],
    });
  });
});

describe("a call is repeated", () => {
  const overloaded = { status: 503, body: refusal("overloaded"), headers: soon };

  test("when it reads and no answer came, a gateway answered, or the server could not", async () => {
    for (const reply of [
      new TypeError("fetch failed"),
      { status: 502, body: "<html>bad gateway</html>" },
      { status: 503, body: refusal("unavailable"), headers: soon },
      { status: 500, body: refusal("internal"), headers: soon },
    ]) {
      vi.spyOn(Math, "random").mockReturnValue(0);
      const { weir, sent } = clientWith([reply, { body: { run_id: "run_1" } }]);
      expect(await weir.runs.get("run_1")).toEqual({ run_id: "run_1" });
      expect(sent).toHaveLength(2);
    }
    vi.restoreAllMocks();
  });

  test("whatever it does when it was refused before anything happened", async () => {
    for (const code of ["overloaded", "rate_limited"]) {
      const { weir, sent } = clientWith([{ status: 503, body: refusal(code), headers: soon }, { status: 202 }]);
      await weir.runs.cancel("run_1");
      expect(sent).toHaveLength(2);
    }
  });

  test("not when it acts and nobody knows whether it was done", async () => {
    const { weir, sent } = clientWith([new TypeError("fetch failed")]);
    expect((await errorOf(weir.runs.cancel("run_1"))).code).toBe("unreachable");
    expect((await errorOf(weir.workflows.create("t", definition))).code).toBe("unreachable");
    expect(sent).toHaveLength(2);
  });

  test("not when the answer is the caller's to deal with", async () => {
    const { weir, sent } = clientWith([{ status: 404, body: refusal("not_found") }]);
    expect((await errorOf(weir.runs.get("run_1"))).code).toBe("not_found");
    expect(sent).toHaveLength(1);
  });

  test("five times in all, or as often as the options say", async () => {
    const five = clientWith([overloaded]);
    expect((await errorOf(five.weir.runs.get("run_1"))).code).toBe("overloaded");
    expect(five.sent).toHaveLength(5);
    const one = clientWith([overloaded], { attempts: 1 });
    await errorOf(one.weir.runs.get("run_1"));
    expect(one.sent).toHaveLength(1);
  });

  test("not when the server asks for more patience than a caller has", async () => {
    const limited = { status: 429, body: refusal("rate_limited"), headers: { "Retry-After": "31" } };
    const { weir, sent } = clientWith([limited]);
    expect((await errorOf(weir.runs.get("run_1"))).retryAfterMs).toBe(31_000);
    expect(sent).toHaveLength(1);
  });
});

describe("an error", () => {
  test("carries what the API said of it", async () => {
    const details = [{ pointer: "/workflow/nodes", message: "at least one" }];
    const { weir } = clientWith([
      { status: 422, body: refusal("invalid", { details }), headers: { "X-Request-Id": "req_1" } },
    ]);
    const error = await errorOf(weir.workflows.create("t", {}));
    expect(error).toMatchObject({ code: "invalid", status: 422, requestId: "req_1", problems: details, details });
    expect([isWeirError(error), isWeirError(error, "invalid"), isWeirError(error, "gone")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(isWeirError(new Error("x"))).toBe(false);
  });

  test("says when something else than Weir answers", async () => {
    const { weir } = clientWith([{ status: 404, body: "<html>" }]);
    expect(await errorOf(weir.runs.get("run_1"))).toMatchObject({ code: "bad_answer", status: 404 });
    const other = clientWith([{ status: 200, body: "<html>" }]);
    expect(await errorOf(other.weir.runs.get("run_1"))).toMatchObject({ code: "bad_answer", status: 200 });
    const unknown = clientWith([{ status: 418, body: refusal("teapot") }]);
    expect(await errorOf(unknown.weir.runs.get("run_1"))).toMatchObject({ code: "bad_answer", status: 418 });
  });

  test("aborted comes of the caller's signal, also in the pause between two tries", async () => {
    const before = AbortSignal.abort();
    expect((await errorOf(clientWith([{}]).weir.runs.get("r", { signal: before }))).code).toBe("aborted");
    const controller = new AbortController();
    const limited = { status: 429, body: refusal("rate_limited"), headers: { "Retry-After": "20" } };
    const call = clientWith([limited]).weir.runs.get("r", { signal: controller.signal });
    setTimeout(() => controller.abort(), 10);
    expect((await errorOf(call)).code).toBe("aborted");
  });

  test("timeout comes of a server that does not answer", async () => {
    const silent = ((_: unknown, init: RequestInit) =>
      new Promise((_resolve, reject) => {
        init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      })) as typeof fetch;
    const weir = new Weir({ url: "https://weir.test", key: "k", fetch: silent, timeoutMs: 5, attempts: 1 });
    expect((await errorOf(weir.runs.get("r"))).code).toBe("timeout");
  });

  test("what is none of the client's is thrown by attempt too", async () => {
    await expect(attempt(Promise.reject(new RangeError("x")))).rejects.toThrow(RangeError);
    expect(await attempt(Promise.resolve(1))).toEqual({ ok: true, value: 1 });
  });

  test("readiness of a part that is down is an answer, a refusal is not", async () => {
    const down = { status: "down", components: { d1: { status: "down", latency_ms: 1 } } };
    expect(await clientWith([{ status: 503, body: down }]).weir.ready()).toEqual(down);
    const refused = clientWith([{ status: 503, body: refusal("unavailable") }], { attempts: 1 });
    expect((await errorOf(refused.weir.ready())).code).toBe("unavailable");
  });
});

describe("following a run of a server without streams", () => {
  const noRoute = {
    status: 404,
    body: refusal("not_found", { message: "there is no route /api/v1/runs/run_1/stream" }),
  };
  const page = (items: object[], after: number, terminal: boolean) => ({
    body: { items, next_after: after, terminal },
  });

  test("asks from where it is until nothing can follow, and gives each event once", async () => {
    const { weir, sent } = clientWith([
      noRoute,
      page([{ seq: 1 }, { seq: 2 }], 2, false),
      page([], 2, false),
      page([{ seq: 3 }], 3, true),
    ]);
    const seen: number[] = [];
    for await (const { seq } of weir.runs.stream("run_1")) seen.push(seq);
    expect(seen).toEqual([1, 2, 3]);
    expect(sent.map(({ url }) => new URL(url).searchParams.get("after"))).toEqual(["0", "0", "2", "2"]);
  });

  test("goes on where it was when the connection is lost, and does not begin with nobody there", async () => {
    const lost = new TypeError("fetch failed");
    const { weir, sent } = clientWith(
      [noRoute, page([{ seq: 1 }], 1, false), lost, lost, page([{ seq: 2 }], 2, true)],
      { attempts: 1 },
    );
    const seen: number[] = [];
    for await (const { seq } of weir.runs.stream("run_1")) seen.push(seq);
    expect(seen).toEqual([1, 2]);
    expect(sent.map(({ url }) => new URL(url).searchParams.get("after"))).toEqual(["0", "0", "1", "1", "1"]);
    const away = clientWith([lost], { attempts: 1 });
    expect((await errorOf(away.weir.runs.stream("run_1").next())).code).toBe("unreachable");
  });

  test("wait gives up when told to, and says that the run goes on", async () => {
    const { weir } = clientWith([noRoute, page([], 0, false)]);
    const error = await errorOf(weir.runs.wait("run_1", { giveUpAfterMs: 20 }));
    expect(error).toMatchObject({ code: "timeout", message: expect.stringContaining("it goes on") });
  });

  test("all() reads every page of a list", async () => {
    const { weir, sent } = clientWith([
      { body: { items: [{ run_id: "1" }], next_cursor: "c", as_of: "" } },
      { body: { items: [{ run_id: "2" }], next_cursor: null, as_of: "" } },
    ]);
    const ids: string[] = [];
    for await (const run of weir.runs.all({ status: "failed" })) ids.push(run.run_id);
    expect(ids).toEqual(["1", "2"]);
    expect(sent.map(({ url }) => new URL(url).searchParams.get("cursor"))).toEqual([null, "c"]);
  });
});
