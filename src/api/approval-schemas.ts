/** How approvals look in answers, and what a decision may hold, whichever way it comes. */
import { z } from "@hono/zod-openapi";
import { APPROVAL_STATUSES, type ApprovalView, ESCALATION_STATUSES } from "#engine/approval-view.ts";
import { DECISIONS } from "#engine/events.ts";
import { ON_TIMEOUT } from "#workflow/node-configs.ts";
import { COMMENTS_LENGTH_MAX } from "./limits.ts";

const time = z.string().openapi({ format: "date-time" });

const vote = z.object({
  key: z.string().openapi({ description: "whose vote it is: a key's id, or the voter that a signed link names" }),
  decision: z.enum(DECISIONS),
  comments: z.string().nullable(),
  at: time,
  link: z.string().optional().openapi({ description: "the signed link that it came by" }),
});

export const approval = z
  .object({
    approval_id: z.string(),
    run_id: z.string(),
    node_id: z.string(),
    message: z.string(),
    status: z.enum(APPROVAL_STATUSES),
    created_at: time,
    expires_at: time.nullable(),
    decided_at: time.nullable(),
    approvers: z
      .array(z.string())
      .openapi({ description: "who may decide; empty: every key with the scope `approve`" }),
    quorum: z.int().openapi({ description: "approvals that it takes; one rejection decides" }),
    decisions: z.array(vote),
    on_timeout: z.enum(ON_TIMEOUT),
    escalation: z
      .enum(ESCALATION_STATUSES)
      .optional()
      .openapi({ description: "what became of telling somebody else, where that was asked for; not in lists" }),
  })
  .openapi("Approval");

/** What somebody with a signed link is shown: what they are asked, and nothing of the others but their number. */
export const sharedApproval = approval
  .omit({ approvers: true, decisions: true, on_timeout: true, escalation: true })
  .extend({
    approvals: z.int().openapi({ description: "votes for it so far" }),
    voter: z.string().openapi({ description: "whose vote this link casts" }),
    link_expires_at: time,
  })
  .openapi("SharedApproval");

export type SharedApproval = z.infer<typeof sharedApproval>;

export function sharedApprovalOf(
  whole: ApprovalView,
  link: { voter: string; link_expires_at: string },
): SharedApproval {
  const { approvers: _, decisions, on_timeout: __, ...rest } = whole;
  const approvals = decisions.filter(({ decision }) => decision === "approve").length;
  return { ...rest, approvals, voter: link.voter, link_expires_at: link.link_expires_at };
}

const comments = z.string().max(COMMENTS_LENGTH_MAX).optional().openapi({ description: "why; a rejection needs one" });

/** A rejection says why: whoever reads the run must learn what to do about it. */
export const decisionBody = z
  .strictObject({ decision: z.enum(DECISIONS), comments })
  .refine(({ decision, comments }) => decision !== "reject" || (comments ?? "").trim() !== "", {
    path: ["comments"],
    message: "a rejection needs a comment that says why",
  })
  .openapi("Decision");

export type DecisionBody = z.infer<typeof decisionBody>;

/** Comments as they are kept: none rather than blank ones. */
export function commentsOf({ comments = "" }: DecisionBody): string | null {
  return comments.trim() === "" ? null : comments;
}
