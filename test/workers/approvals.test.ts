/** Approvals: the inbox in D1, what the API makes of a shard's answers, and the life of a signed link. */
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, describe, expect, test } from "vitest";
import { ApprovalLinks } from "#access/approval-links.ts";
import { newNonce } from "#access/signed-text.ts";
import { COMMENTS_LENGTH_MAX, LINK_LIFETIME_MS_MAX, LINK_LIFETIME_MS_MIN, VOTER_LENGTH_MAX } from "#api/limits.ts";
import type { ApprovalView, VoteView } from "#engine/approval-view.ts";
import type { RunCommand } from "#engine/commands/command.ts";
import { approvalId, nextUlid, runId } from "#kernel/ids.ts";
import { approvalRow, UPSERT_APPROVALS } from "#store/approval-projection.ts";
import { listApprovals } from "#store/approvals.ts";
import { writeArchive } from "#store/archive.ts";
import { scriptedApi } from "./scripted-api.ts";
import { KEY } from "./support.ts";

const database = drizzle(env.DB);
const RUN = runId({ region: "xx", shard: 1 }, nextUlid(Date.now()));
const ID = approvalId({ runId: RUN, visit: 1, node: "approve" });

function approvalOf(more: Partial<ApprovalView> = {}): ApprovalView {
  return {
    approval_id: ID,
    run_id: RUN,
    node_id: "approve",
    message: "Pay?",
    status: "pending",
    created_at: "2026-11-24T10:00:00.000Z",
    expires_at: null,
    decided_at: null,
    approvers: [],
    quorum: 1,
    decisions: [],
    on_timeout: "reject",
    ...more,
  };
}

async function upsert(...rows: Parameters<typeof approvalRow>[]): Promise<void> {
  const json = JSON.stringify(rows.map((row) => approvalRow(...row)));
  await env.DB.prepare(UPSERT_APPROVALS).bind(json).run();
}

let stored: ApprovalView[] | null;
let commands: { tenant: string; runId: string; command: RunCommand }[];
/** What the shard makes of a decision; by default it is taken. */
let decide: (command: Extract<RunCommand, { type: "decide" }>) => unknown;

const call = scriptedApi({
  approvals: async () => stored,
  command: async (tenant, id, command) => {
    commands.push({ tenant, runId: id, command });
    if (stored === null) return null;
    return command.type === "decide" ? (decide(command) as never) : null;
  },
});

beforeEach(async () => {
  await env.DB.batch(["approvals", "keys", "run_archives"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
  stored = [approvalOf()];
  commands = [];
  decide = ({ voter: key, decision, comments, link }) => {
    const vote: VoteView = {
      key,
      decision,
      comments,
      at: "2026-11-24T11:00:00.000Z",
      ...(link === undefined ? {} : { link }),
    };
    const [first] = stored ?? [];
    stored = [approvalOf({ ...first, status: decision === "approve" ? "approved" : "rejected", decisions: [vote] })];
    return { outcome: "done", run: {}, value: stored[0] };
  };
});

async function makeKey(scopes: readonly string[]): Promise<{ id: string; key: string }> {
  return (await call("POST", "/api/v1/keys", { body: { name: "test", tenant: "default", scopes } })).body;
}

describe("the inbox", () => {
  const ids = async (...page: Parameters<typeof listApprovals>) =>
    (await listApprovals(...page)).map(({ approval_id: id }) => id);

  test("keeps what the run told last, in whatever order it comes", async () => {
    await upsert(["acme", approvalOf()]);
    await upsert(["acme", approvalOf({ status: "approved", decided_at: "2026-11-24T11:00:00.000Z" })]);
    await upsert(["acme", approvalOf()]);
    expect(await listApprovals(database, "acme", undefined, null, 10)).toEqual([
      approvalOf({ status: "approved", decided_at: "2026-11-24T11:00:00.000Z" }),
    ]);
  });

  test("gives back what was put in", async () => {
    const whole = approvalOf({
      expires_at: "2026-11-25T10:00:00.000Z",
      approvers: ["key_1", "zoe@example.com"],
      quorum: 2,
      decisions: [{ key: "key_1", decision: "approve", comments: "ok", at: "2026-11-24T11:00:00.000Z", link: "n" }],
      on_timeout: "fail",
    });
    await upsert(["acme", whole]);
    expect(await listApprovals(database, "acme", undefined, null, 10)).toEqual([whole]);
  });

  test("lets no tenant write another's row", async () => {
    await upsert(["acme", approvalOf()]);
    await upsert(["globex", approvalOf({ message: "mine now", status: "approved" })]);
    expect(await listApprovals(database, "globex", undefined, null, 10)).toEqual([]);
    expect(await listApprovals(database, "acme", undefined, null, 10)).toEqual([approvalOf()]);
  });

  test("is read in pages, newest first, those asked at one moment by id, and by status", async () => {
    const at = (second: number) => `2026-11-24T10:00:0${second}.000Z`;
    const rows = [1, 2, 3, 4, 5].map((visit) =>
      approvalOf({
        approval_id: approvalId({ runId: RUN, visit, node: "approve" }),
        created_at: at(visit < 3 ? 1 : visit),
        status: visit === 4 ? "approved" : "pending",
      }),
    );
    await upsert(...rows.map((row): Parameters<typeof approvalRow> => ["default", row]));
    const [one = "", two = "", three = "", four = "", five = ""] = rows.map(({ approval_id: id }) => id);
    expect(await ids(database, "default", undefined, null, 10)).toEqual([five, four, three, two, one]);
    expect(await ids(database, "default", "pending", null, 10)).toEqual([five, three, two, one]);
    const seen: string[] = [];
    for (let cursor = ""; ; ) {
      const { status, body } = await call("GET", `/api/v1/approvals?status=pending&limit=2${cursor}`);
      expect(status).toBe(200);
      seen.push(...body.items.map((item: ApprovalView) => item.approval_id));
      if (body.next_cursor === null) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(seen).toEqual([five, three, two, one]);
  });

  test("refuses queries of another form", async () => {
    for (const query of ["status=open", "limit=0", "limit=201", "cursor=QUJD", "colour=1"]) {
      expect((await call("GET", `/api/v1/approvals?${query}`)).status).toBe(422);
    }
  });
});

describe("GET /approvals/{id}", () => {
  test("reads the shard", async () => {
    expect(await call("GET", `/api/v1/approvals/${ID}`)).toMatchObject({ status: 200, body: approvalOf() });
  });

  test("an id of another form, of no shard, of no run or of no approval is 404 in the same words", async () => {
    const ofVisit = approvalId({ runId: RUN, visit: 2, node: "approve" });
    const ofShard = approvalId({ runId: runId({ region: "xx", shard: 99 }, nextUlid(1)), visit: 1, node: "approve" });
    for (const id of ["nonsense", RUN, ofVisit, ofShard]) {
      const { status, body } = await call("GET", `/api/v1/approvals/${id}`);
      expect([status, body.error.message]).toEqual([404, `there is no approval "${id}"`]);
    }
    stored = null;
    expect(await call("GET", `/api/v1/approvals/${ID}`)).toMatchObject({
      status: 404,
      body: { error: { message: `there is no approval "${ID}"` } },
    });
  });

  test("of a run that its shard has let go comes from the archive, and can be decided no more", async () => {
    stored = null;
    const decided = approvalOf({ status: "approved" });
    const details = { status: "completed", approvals: [decided], patches: [] };
    await writeArchive(env.DB, "default", RUN, { v: 1, details: details as never, events: [] }, archivedRow(), 0);
    expect(await call("GET", `/api/v1/approvals/${ID}`)).toMatchObject({ status: 200, body: decided });
    const answer = await call("POST", `/api/v1/approvals/${ID}/decide`, { body: { decision: "approve" } });
    expect(answer).toMatchObject({ status: 409, body: { error: { code: "conflict", details: decided } } });
    const other = approvalId({ runId: RUN, visit: 7, node: "approve" });
    expect((await call("POST", `/api/v1/approvals/${other}/decide`, { body: { decision: "approve" } })).status).toBe(
      404,
    );
  });
});

const archivedRow = () =>
  ({
    run_id: RUN,
    tenant: "default",
    seq: 9,
    status: "completed",
    generation: 1,
    artifact_id: "sha256:x",
    trigger: "api",
    labels: "{}",
    priority: 3,
    submitted_at: 0,
  }) as never;

describe("POST /approvals/{id}/decide", () => {
  const vote = (body: unknown, key = KEY) => call("POST", `/api/v1/approvals/${ID}/decide`, { body, key });

  test("hands the key's vote to the run's shard and answers the approval", async () => {
    const { id, key } = await makeKey(["approve"]);
    const answer = await vote({ decision: "approve", comments: "fine" }, key);
    expect(answer).toMatchObject({ status: 200, body: { status: "approved", decisions: [{ key: id }] } });
    const command = { type: "decide", approval_id: ID, voter: id, decision: "approve", comments: "fine" };
    expect(commands).toEqual([{ tenant: "default", runId: RUN, command }]);
  });

  test("answers the shard's refusals as they are", async () => {
    const decided = approvalOf({ status: "approved" });
    for (const [code, status] of [
      ["conflict", 409],
      ["forbidden", 403],
    ] as const) {
      decide = () => ({ outcome: "refused", code, message: "because", details: decided });
      const answer = await vote({ decision: "approve" });
      expect(answer).toMatchObject({ status, body: { error: { code, message: "because", details: decided } } });
    }
  });

  test("a rejection says why; bodies of another form are 422 and reach no shard", async () => {
    const rejected = await vote({ decision: "reject" });
    expect(rejected).toMatchObject({
      status: 422,
      body: {
        error: { code: "invalid", details: [{ pointer: "/comments", message: expect.stringContaining("why") }] },
      },
    });
    for (const body of [
      {},
      { decision: "maybe" },
      { decision: "reject", comments: " \n" },
      { decision: "approve", comments: 1 },
      { decision: "approve", comments: "c".repeat(COMMENTS_LENGTH_MAX + 1) },
      { decision: "approve", voter: "somebody" },
      [],
    ]) {
      expect((await vote(body)).status).toBe(422);
    }
    expect(commands).toEqual([]);
    expect((await vote({ decision: "reject", comments: "c".repeat(COMMENTS_LENGTH_MAX) })).status).toBe(200);
  });
});

describe("POST /approvals/{id}/links", () => {
  const make = (body?: unknown, key = KEY) => call("POST", `/api/v1/approvals/${ID}/links`, { body, key });

  test("makes a link for the key's own vote, for a week or until the approval expires", async () => {
    const { id, key } = await makeKey(["approve"]);
    const before = Date.now();
    const { status, body, headers } = await make(undefined, key);
    expect(status).toBe(201);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toEqual({
      url: `http://weir.test/api/v1/approve/${body.token}`,
      token: expect.any(String),
      voter: id,
      expires_at: expect.any(String),
    });
    const lifetimeMs = Date.parse(body.expires_at) - before;
    expect(Math.abs(lifetimeMs - 7 * 24 * 3_600_000)).toBeLessThan(60_000);
    const expiresAt = new Date(before + 60_000).toISOString();
    stored = [approvalOf({ expires_at: expiresAt })];
    expect((await make(undefined, key)).body.expires_at).toBe(expiresAt);
  });

  test("for somebody else only by an admin: nobody gains votes by making links", async () => {
    const { id, key } = await makeKey(["approve"]);
    expect(await make({ voter: "zoe@example.com" }, key)).toMatchObject({ status: 403 });
    expect(await make({ voter: id }, key)).toMatchObject({ status: 201, body: { voter: id } });
    expect(await make({ voter: "zoe@example.com" })).toMatchObject({ status: 201, body: { voter: "zoe@example.com" } });
  });

  test("only for those who are asked, and only while they are", async () => {
    const { id, key } = await makeKey(["approve"]);
    stored = [approvalOf({ approvers: ["zoe@example.com"] })];
    expect(await make(undefined, key)).toMatchObject({ status: 403, body: { error: { code: "forbidden" } } });
    expect((await make({ voter: "max@example.com" })).status).toBe(403);
    expect((await make({ voter: "zoe@example.com" })).status).toBe(201);
    stored = [approvalOf({ approvers: [id], status: "expired" })];
    expect(await make(undefined, key)).toMatchObject({
      status: 409,
      body: { error: { details: { status: "expired" } } },
    });
  });

  test("bodies have their bounds", async () => {
    for (const [body, status] of [
      [{ expires_in_ms: LINK_LIFETIME_MS_MIN }, 201],
      [{ expires_in_ms: LINK_LIFETIME_MS_MIN - 1 }, 422],
      [{ expires_in_ms: LINK_LIFETIME_MS_MAX }, 201],
      [{ expires_in_ms: LINK_LIFETIME_MS_MAX + 1 }, 422],
      [{ voter: "v".repeat(VOTER_LENGTH_MAX) }, 201],
      [{ voter: "v".repeat(VOTER_LENGTH_MAX + 1) }, 422],
      [{ voter: "" }, 422],
      [{ voter: " v" }, 422],
      [{ voter: "a\nb" }, 422],
      [{ voter: "a\u202eb" }, 422],
      [{ colour: 1 }, 422],
    ] as const) {
      expect([body, (await make(body)).status]).toEqual([body, status]);
    }
  });
});

describe("a signed link", () => {
  const BROWSER = { accept: "text/html,application/xhtml+xml" };
  const FORM = { "content-type": "application/x-www-form-urlencoded", origin: "null" };
  const open = (token: string, headers = {}) => call("GET", `/api/v1/approve/${token}`, { key: "", headers });
  const post = (token: string, body: unknown, headers = {}) =>
    call("POST", `/api/v1/approve/${token}`, { key: "", body, headers });

  async function makeLink(body?: unknown, key = KEY): Promise<string> {
    return (await call("POST", `/api/v1/approvals/${ID}/links`, { body, key })).body.token;
  }

  test("opened shows the question as a page to browsers and as JSON to others, and changes nothing", async () => {
    const token = await makeLink({ voter: "zoe@example.com" });
    for (let i = 0; i < 3; i++) {
      const page = await open(token, BROWSER);
      expect(page.status).toBe(200);
      expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(page.text).toContain("Pay?");
    }
    const { status, body } = await open(token);
    expect(status).toBe(200);
    expect(body).toMatchObject({ approval_id: ID, status: "pending", voter: "zoe@example.com", approvals: 0 });
    expect(body).not.toHaveProperty("decisions");
    expect((await call("HEAD", `/api/v1/approve/${token}`, { key: "" })).status).toBe(200);
    expect(commands).toEqual([]);
  });

  test("its answers are kept by nobody and shown nowhere else", async () => {
    const token = await makeLink();
    const answers = [await open(token, BROWSER), await open(`${token}x`, BROWSER), await open(`${token}x`)];
    for (const { headers } of answers) {
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("vary")).toBe("Accept");
      expect(headers.get("x-robots-tag")).toBe("noindex");
      expect(headers.get("x-request-id")).toMatch(/^req_/);
      expect(headers.get("set-cookie")).toBeNull();
    }
    for (const { headers } of answers.slice(0, 2)) {
      expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; /);
      expect(headers.get("referrer-policy")).toBe("no-referrer");
    }
  });

  test("its form decides once, in the name of its voter", async () => {
    const token = await makeLink({ voter: "zoe@example.com" });
    const page = await post(token, "decision=approve&comments=one%0D%0Atwo", { ...BROWSER, ...FORM });
    expect(page.status).toBe(200);
    expect(page.text).toContain("Approved");
    expect(commands).toMatchObject([
      {
        tenant: "default",
        command: {
          type: "decide",
          approval_id: ID,
          voter: "zoe@example.com",
          decision: "approve",
          comments: "one\ntwo",
          link: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
        },
      },
    ]);
    const again = await post(token, "decision=reject&comments=no", { ...BROWSER, ...FORM });
    expect(again.status).toBe(409);
    expect(again.text).toContain("has been used");
    expect((await open(token)).status).toBe(409);
    expect(commands).toHaveLength(1);
  });

  test("takes JSON as well", async () => {
    const token = await makeLink();
    const answer = await post(token, { decision: "reject", comments: "too much" });
    expect(answer).toMatchObject({ status: 200, body: { status: "rejected", voter: "operator" } });
    const again = await post(token, { decision: "reject", comments: "too much" });
    expect(again).toMatchObject({
      status: 409,
      body: { error: { code: "conflict", details: { status: "rejected" } } },
    });
    expect(again.body.error.details).not.toHaveProperty("decisions");
  });

  test("a vote that came first is told to whoever was slower, without what others said", async () => {
    const token = await makeLink({ voter: "zoe@example.com" });
    decide = () => {
      const decisions: VoteView[] = [
        { key: "key_other", decision: "reject", comments: "secret", at: "2026-11-24T11:00:00.000Z" },
      ];
      stored = [approvalOf({ status: "rejected", decisions })];
      return { outcome: "refused", code: "conflict", message: "key_other decided", details: stored[0] };
    };
    const answer = await post(token, { decision: "approve" });
    expect(answer).toMatchObject({ status: 409, body: { error: { details: { status: "rejected" } } } });
    expect(answer.text).not.toContain("secret");
    expect(answer.text).not.toContain("key_other");
  });

  test("that expired is 410, one that is not ours 404, to both kinds of callers", async () => {
    const links = new ApprovalLinks(KEY);
    const claims = { tenant: "default", approvalId: ID, keyId: "operator", voter: "operator", nonce: newNonce() };
    const late = await links.sign({ ...claims, expiresAt: Date.now() });
    const forged = await new ApprovalLinks("weir_other").sign({ ...claims, expiresAt: Date.now() + 60_000 });
    for (const [token, status, code] of [
      [late, 410, "gone"],
      [forged, 404, "not_found"],
      ["nonsense", 404, "not_found"],
    ] as const) {
      for (const answer of [await open(token), await post(token, { decision: "approve" })]) {
        expect(answer).toMatchObject({ status, body: { error: { code } } });
      }
      const page = await open(token, BROWSER);
      expect(page.status).toBe(status);
      expect(page.text).toContain("does not work any more");
    }
    expect(commands).toEqual([]);
  });

  test("ends with the key that made it", async () => {
    const { id, key } = await makeKey(["approve"]);
    const token = await makeLink(undefined, key);
    expect((await open(token)).status).toBe(200);
    expect((await call("DELETE", `/api/v1/keys/${id}`)).status).toBe(204);
    expect(await open(token)).toMatchObject({ status: 410, body: { error: { code: "gone" } } });
    expect((await post(token, { decision: "approve" })).status).toBe(410);
    expect(commands).toEqual([]);
  });

  test("says what the form lacks and leads back to it", async () => {
    const token = await makeLink();
    const page = await post(token, "decision=reject&comments=", { ...BROWSER, ...FORM });
    expect(page.status).toBe(422);
    expect(page.text).toContain("a comment that says why");
    expect(page.text).toContain("Back to the request");
    expect((await post(token, "decision=approve&colour=1", FORM)).status).toBe(422);
    expect((await post(token, "", FORM)).status).toBe(422);
    expect((await post(token, "decision=approve", { "content-type": "text/plain" })).status).toBe(415);
    expect(commands).toEqual([]);
  });

  test("forms go nowhere but to links", async () => {
    const answer = await call("POST", `/api/v1/approvals/${ID}/decide`, { body: "decision=approve", headers: FORM });
    expect(answer.status).toBe(415);
  });

  test("whose approval is over or gone says so", async () => {
    const token = await makeLink();
    stored = [approvalOf({ status: "cancelled" })];
    expect((await open(token, BROWSER)).text).toContain("This is not needed any more");
    stored = null;
    expect((await open(token)).status).toBe(404);
  });
});
