import { describe, expect, test } from "vitest";
import type { ApprovalView } from "#engine/approval-view.ts";
import { approvalRow, INBOX_MESSAGE_LENGTH_MAX } from "#store/approval-projection.ts";

const approval: ApprovalView = {
  approval_id: "apr_1",
  run_id: "run_1",
  node_id: "approve",
  message: "",
  status: "pending",
  created_at: "2026-11-24T10:00:00.000Z",
  expires_at: null,
  decided_at: null,
  approvers: [],
  quorum: 1,
  decisions: [],
  on_timeout: "reject",
};

describe("the inbox's row of an approval", () => {
  const messageOf = (message: string) => approvalRow("t", { ...approval, message }).message;

  test("keeps a message as it is up to the bound, and its beginning beyond", () => {
    const longest = "m".repeat(INBOX_MESSAGE_LENGTH_MAX);
    expect(messageOf(longest)).toBe(longest);
    expect(messageOf(`${longest}m`)).toBe(`${"m".repeat(INBOX_MESSAGE_LENGTH_MAX - 1)}…`);
  });

  test("cuts between characters", () => {
    for (const start of ["", "m"]) {
      const cut = String(messageOf(start + "😀".repeat(INBOX_MESSAGE_LENGTH_MAX)));
      expect(cut.isWellFormed()).toBe(true);
      expect(cut.length).toBeLessThanOrEqual(INBOX_MESSAGE_LENGTH_MAX);
      expect(cut.endsWith("😀…")).toBe(true);
    }
  });

  test("has times as numbers", () => {
    expect(approvalRow("t", { ...approval, expires_at: "2026-11-24T10:00:00.001Z" })).toMatchObject({
      tenant: "t",
      seq: 1,
      created_at: Date.parse(approval.created_at),
      expires_at: Date.parse(approval.created_at) + 1,
      decided_at: null,
    });
  });

  test("is numbered by what has happened: a vote and an end count, nothing else", () => {
    const vote = { key: "k", decision: "approve" as const, comments: null, at: approval.created_at };
    const seqOf = (more: Partial<ApprovalView>) => approvalRow("t", { ...approval, ...more }).seq;
    expect(seqOf({})).toBe(1);
    expect(seqOf({ decisions: [vote] })).toBe(2);
    expect(seqOf({ decisions: [vote, vote], status: "approved" })).toBe(4);
    expect(seqOf({ status: "expired" })).toBe(2);
  });
});
