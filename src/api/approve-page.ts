/**
 * The pages behind a signed link: what is asked with a form to answer it, what came of the answer, and why a link does
 * not serve. No script; every text of others is escaped by the template and kept from running into ours.
 */
import { html, raw } from "hono/html";
import type { ApprovalStatus } from "#engine/approval-view.ts";
import type { DecisionName } from "#engine/events.ts";
import type { SharedApproval } from "./approval-schemas.ts";
import { COMMENTS_LENGTH_MAX } from "./limits.ts";

export const APPROVE_STYLE = `
:root { color-scheme: light dark; --paper: #fff; --desk: #eef1f4; --ink: #17212b; --soft: #5b6977; --line: #d5dce3;
  --yes: #14713d; --no: #b3261e; --wait: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --paper: #1b232c; --desk: #10161d; --ink: #e6ebf0; --soft: #9aa8b5;
  --line: #33404d; --yes: #4cc27f; --no: #ff8a80; --wait: #e5b454; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--desk);
  color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { width: 100%; max-width: 34rem; padding: 2rem; background: var(--paper); border: 1px solid var(--line);
  border-radius: 12px; box-shadow: 0 2px 16px #0000000f; }
.brand { margin: 0 0 1.25rem; color: var(--soft); font-size: .8rem; letter-spacing: .14em; text-transform: uppercase; }
h1 { margin: 0 0 1rem; font-size: 1.4rem; line-height: 1.3; }
h1.yes { color: var(--yes); } h1.no { color: var(--no); } h1.wait { color: var(--wait); }
.message { margin: 0 0 1.5rem; padding: 1rem 1.25rem; border-left: 4px solid var(--line); background: var(--desk);
  border-radius: 0 8px 8px 0; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24rem; overflow-y: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: 0 0 1.5rem; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
label { display: block; margin-bottom: .35rem; font-size: .9rem; color: var(--soft); }
textarea { width: 100%; min-height: 5.5rem; padding: .6rem .75rem; border: 1px solid var(--line); border-radius: 8px;
  background: transparent; color: inherit; font: inherit; resize: vertical; }
.choices { display: flex; gap: .75rem; margin-top: 1.25rem; }
button { flex: 1; padding: .75rem 1rem; border: 1px solid; border-radius: 8px; font: inherit; font-weight: 600; cursor: pointer; }
button.yes { background: var(--yes); border-color: var(--yes); color: var(--paper); }
button.no { background: transparent; border-color: var(--no); color: var(--no); }
button:focus-visible, textarea:focus-visible, a:focus-visible { outline: 3px solid #5b9dd9; outline-offset: 2px; }
a { color: inherit; } p { margin: 0 0 1rem; } .soft { color: var(--soft); font-size: .9rem; } main > :last-child { margin-bottom: 0; }
`;

type Content = ReturnType<typeof html>;

/** What is asked, with the form that answers it. */
export async function requestPage(approval: SharedApproval): Promise<string> {
  return page(
    "Your approval is asked for",
    html`<h1>Your approval is asked for</h1>
${facts(approval)}
<form method="post">
<label for="comments">Comment <span>(needed to reject)</span></label>
<textarea id="comments" name="comments" maxlength="${COMMENTS_LENGTH_MAX}"></textarea>
<div class="choices">
<button class="yes" name="decision" value="approve">Approve</button>
<button class="no" name="decision" value="reject">Reject</button>
</div>
</form>`,
  );
}

/** What came of a vote. */
export async function votedPage(approval: SharedApproval, decision: DecisionName): Promise<string> {
  const { status, quorum, approvals } = approval;
  const isPending = status === "pending";
  const title = isPending ? "Your vote has been counted" : decision === "approve" ? "Approved" : "Rejected";
  const next = isPending
    ? `${approvals} of ${quorum} approvals are there; the run goes on when all of them are.`
    : "The run goes on from here. You can close this page.";
  const tone = isPending ? "wait" : decision === "approve" ? "yes" : "no";
  return page(title, html`<h1 class="${tone}">${title}</h1><p>${next}</p>${facts(approval)}`);
}

const OVER: Record<Exclude<ApprovalStatus, "pending">, string> = {
  approved: "This has been approved",
  rejected: "This has been rejected",
  expired: "Nobody decided in time",
  cancelled: "This is not needed any more",
};

/** Why a vote was not cast: `approval` as far as the link still shows it, `isMended` when trying again may help. */
export interface Problem {
  message: string;
  approval: SharedApproval | null;
  isMended: boolean;
}

export async function problemPage({ message, approval, isMended }: Problem): Promise<string> {
  const isOver = approval !== null && approval.status !== "pending";
  const title = isOver
    ? OVER[approval.status as keyof typeof OVER]
    : isMended
      ? "That was not taken up"
      : "This link does not work any more";
  const sentence = `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`;
  return page(
    title,
    html`<h1 class="wait">${title}</h1>
<p>${sentence}</p>
${isMended ? html`<p><a href="">Back to the request</a></p>` : ""}
${approval === null ? "" : facts(approval)}`,
  );
}

function facts(approval: SharedApproval): Content {
  const { expires_at: expiresAt, quorum } = approval;
  const until = expiresAt !== null && expiresAt < approval.link_expires_at ? expiresAt : approval.link_expires_at;
  return html`<div class="message" dir="auto">${approval.message}</div>
<dl>
<dt>Step</dt><dd dir="auto">${approval.node_id}</dd>
<dt>Run</dt><dd>${approval.run_id}</dd>
<dt>Asked</dt><dd>${moment(approval.created_at)}</dd>
<dt>You decide as</dt><dd dir="auto">${approval.voter}</dd>
${quorum > 1 ? html`<dt>Approvals</dt><dd>${approval.approvals} of ${quorum}</dd>` : ""}
${approval.status === "pending" ? html`<dt>Open until</dt><dd>${moment(until)}</dd>` : ""}
</dl>`;
}

/** Without scripts the reader's time zone is not known: the time says which one it is in. */
function moment(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
}

async function page(title: string, body: Content): Promise<string> {
  const whole = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${raw(APPROVE_STYLE)}</style>
</head>
<body>
<main>
<p class="brand">Weir</p>
${body}
</main>
</body>
</html>
`;
  return String(whole);
}
