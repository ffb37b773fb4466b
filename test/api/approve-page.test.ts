import { describe, expect, test } from "vitest";
import { type SharedApproval, sharedApprovalOf } from "#api/approval-schemas.ts";
import { APPROVE_STYLE, problemPage, requestPage, votedPage } from "#api/approve-page.ts";
import { pageHeaders, wantsPage } from "#api/html-page.ts";
import type { ApprovalView } from "#engine/approval-view.ts";

const whole: ApprovalView = {
  approval_id: "apr_xx00001JD00000000000000000000-1-approve",
  run_id: "run_xx00001JD00000000000000000000",
  node_id: "approve",
  message: "Pay 1,200 € to ACME?",
  status: "pending",
  created_at: "2026-11-24T10:00:00.000Z",
  expires_at: "2026-11-25T10:00:00.000Z",
  decided_at: null,
  approvers: ["key_secret", "zoe@example.com"],
  quorum: 2,
  decisions: [{ key: "key_secret", decision: "approve", comments: "between us", at: "2026-11-24T10:30:00.000Z" }],
  on_timeout: "reject",
};

const shared: SharedApproval = sharedApprovalOf(whole, {
  voter: "zoe@example.com",
  link_expires_at: "2026-11-24T20:00:00.000Z",
});

const HOSTILE = `</div></main><script>alert(1)</script><img src=x onerror="alert(1)">'"&<form action=https://evil.example>`;

describe("what a link shows", () => {
  test("is what is asked and how many said yes, and nothing else of the others", () => {
    expect(shared).toEqual({
      approval_id: whole.approval_id,
      run_id: whole.run_id,
      node_id: "approve",
      message: "Pay 1,200 € to ACME?",
      status: "pending",
      created_at: whole.created_at,
      expires_at: whole.expires_at,
      decided_at: null,
      quorum: 2,
      approvals: 1,
      voter: "zoe@example.com",
      link_expires_at: "2026-11-24T20:00:00.000Z",
    });
  });

  test("the page has the question, whose vote it is, until when, and a form that posts to itself", async () => {
    const page = await requestPage(shared);
    for (const text of ["Pay 1,200 € to ACME?", "zoe@example.com", "1 of 2", "2026-11-24 20:00 UTC"]) {
      expect(page).toContain(text);
    }
    expect(page).toContain('<form method="post">');
    expect(page).toContain('name="decision" value="approve"');
    expect(page).toContain('name="decision" value="reject"');
    expect(page).not.toContain("between us");
    expect(page).not.toContain("key_secret");
  });

  test("texts of others stay text, whatever they hold", async () => {
    const hostile = { ...shared, message: HOSTILE, node_id: HOSTILE, voter: HOSTILE, run_id: HOSTILE };
    const pages = [
      await requestPage(hostile),
      await votedPage(hostile, "approve"),
      await problemPage({ message: HOSTILE, approval: hostile, isMended: true }),
    ];
    const tags = (text: string) => (text.match(/<(script|img|form|\/main)\b/g) ?? []).sort();
    expect(pages.map(tags)).toEqual([["</main", "<form"], ["</main"], ["</main"]]);
    for (const page of pages) {
      expect(page).toContain("&lt;script&gt;");
      expect(page).not.toMatch(/\son\w+=[^&]/);
    }
  });

  test("writing in the other direction does not run into the page", async () => {
    expect(await requestPage({ ...shared, message: "\u202eevil" })).toContain(
      '<div class="message" dir="auto">\u202eevil</div>',
    );
  });
});

describe("what is said after", () => {
  test("a vote that decides, and one that others must join", async () => {
    expect(await votedPage({ ...shared, status: "approved" }, "approve")).toContain('<h1 class="yes">Approved</h1>');
    expect(await votedPage({ ...shared, status: "rejected" }, "reject")).toContain('<h1 class="no">Rejected</h1>');
    const pending = await votedPage(shared, "approve");
    expect(pending).toContain("Your vote has been counted");
    expect(pending).toContain("1 of 2 approvals are there");
  });

  test.each([
    ["approved", "This has been approved"],
    ["rejected", "This has been rejected"],
    ["expired", "Nobody decided in time"],
    ["cancelled", "This is not needed any more"],
  ] as const)("an approval that is %s says so and offers no form", async (status, title) => {
    const page = await problemPage({ message: "over", approval: { ...shared, status }, isMended: false });
    expect(page).toContain(title);
    expect(page).not.toContain("<form");
  });

  test("what can be mended leads back", async () => {
    expect(await problemPage({ message: "say why", approval: null, isMended: true })).toContain('<a href="">');
    expect(await problemPage({ message: "gone", approval: null, isMended: false })).not.toContain("<a ");
  });
});

describe("the security policy", () => {
  test("names the page's one style by its hash and lets forms go nowhere else", async () => {
    const page = await requestPage(shared);
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1];
    expect(style).toBe(APPROVE_STYLE);
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style))).toString(
      "base64",
    );
    const headers = await pageHeaders(APPROVE_STYLE, "'self'");
    expect(headers["Content-Security-Policy"]).toBe(
      `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
    );
    // An attribute would not be covered by the hash.
    expect(page).not.toContain("style=");
    expect(headers).toMatchObject({ "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff" });
  });
});

test("browsers are shown pages, others JSON", () => {
  expect(wantsPage("text/html,application/xhtml+xml,*/*;q=0.8")).toBe(true);
  for (const accept of [undefined, "*/*", "application/json", "text/htmlx"]) expect(wantsPage(accept)).toBe(false);
});
