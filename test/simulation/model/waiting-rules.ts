/** Events of nodes that wait: for a time, for a signal, for people. What a wait comes to, and never too early. */
import type { Json } from "#kernel/json.ts";
import { kindOf } from "../nodes/registry.ts";
import { type Given, gives, refuses } from "../scenario/given.ts";
import type { ModelApproval, NodeModel } from "./node-model.ts";
import { itemsOf } from "./part-rules.ts";
import { execute, renderedConfig } from "./reading.ts";
import { inputsOfChild } from "./relative-rules.ts";
import type { Rules } from "./rules.ts";
import { type EventOf, LATE_MS, type RunModel } from "./run-model.ts";
import { takes } from "./signals.ts";
import { must } from "./violation.ts";

/** Bounds and defaults, written down a second time. */
const SIGNALS_MAX = 100;
const APPROVAL_TIMEOUT_MS = 86_400_000;
const CHILD_LOOK_MS = 30_000;
const CHILD_LOOK_MS_MAX = 3_600_000;

/** Types that always set a timer; others when they are told to. */
const TIMED: ReadonlySet<string> = new Set(["delay", "hitl", "workflow"]);

export const WAITING_RULES: Rules = {
  "node.waiting": waiting,
  "timer.set": timerSet,
  "timer.fired": timerFired,
  "signal.received": signalReceived,
  "approval.requested": (run, event) => {
    const node = waitsFor(run, event, "approval");
    const { config } = node;
    const { quorum = 1, approvers = [], on_timeout: onTimeout = "reject", timeout_ms: timeoutMs } = config;
    const expiresAt = node.sinceMs + Number(timeoutMs ?? APPROVAL_TIMEOUT_MS);
    must(node.approval === null, "7", () => `${node.id} asks twice in visit ${node.visit}`);
    const isAsked = event.message === config.message && event.quorum === quorum && event.on_timeout === onTimeout;
    const isFor = event.approvers.join() === (approvers as Json[]).join() && event.expires_at === expiresAt;
    must(isAsked && isFor, "rules", () => `${node.id} asks otherwise than it is told to: ${JSON.stringify(event)}`);
    node.approval = { id: event.approval_id, quorum: Number(quorum), votes: [], decided: false, expired: false };
  },
  "approval.voted": (run, event) => {
    const { node, approval } = openApproval(run, event);
    const { approvers } = node.config;
    must(!approval.votes.some(({ key }) => key === event.key), "7", () => `${event.key} votes twice on ${node.id}`);
    const mayVote = !Array.isArray(approvers) || approvers.length === 0 || approvers.includes(event.key);
    must(mayVote, "7", () => `${event.key} votes on ${node.id} and is not among ${approvers}`);
    const { key, decision, comments } = event;
    approval.votes.push({ key, decision, comments, at: new Date(event.at).toISOString() });
    approval.isDue = decision === "reject" || approvalsOf(approval) >= approval.quorum;
  },
  "approval.decided": (run, event) => {
    const { node, approval } = openApproval(run, event);
    const last = approval.votes.at(-1)?.decision;
    must(approval.isDue === true && last === event.decision, "7", () => `${node.id} is decided without enough votes`);
    approval.decided = true;
    node.expected = conclusion(run, node, approval, event.decision);
  },
  "approval.expired": (run, event) => {
    const { node, approval } = openApproval(run, event);
    must(node.fired === "approval_expiry", "11", () => `${node.id} expires and no timer has fired`);
    approval.decided = true;
    approval.expired = true;
    const { on_timeout: onTimeout = "reject" } = node.config;
    must(event.on_timeout === onTimeout, "rules", () => `${node.id} expires with ${event.on_timeout}`);
    node.expected =
      event.on_timeout === "fail" ? refuses("timeout") : conclusion(run, node, approval, event.on_timeout);
  },
};

function approvalsOf(approval: ModelApproval): number {
  return approval.votes.filter(({ decision }) => decision === "approve").length;
}

function openApproval(run: RunModel, event: { node: string; visit: number; approval_id: string }) {
  const node = waitsFor(run, event, "approval");
  const { approval } = node;
  must(approval !== null && approval.id === event.approval_id, "7", () => `${event.approval_id} was not asked for`);
  must(!approval.decided, "7", () => `${event.approval_id} is decided twice`);
  return { node, approval };
}

/** Rule 3: without conditions on its edges a refusal fails the node. */
function conclusion(run: RunModel, node: NodeModel, approval: ModelApproval, decision: "approve" | "reject"): Given {
  const edges = run.definition.outgoing(node.id);
  const decidesByEdges = edges.some((edge) => edge.on === "success" && edge.condition !== undefined);
  if (decision === "reject" && !decidesByEdges) return refuses("approval_rejected");
  const last = approval.votes.findLast((vote) => vote.decision === decision);
  return gives({
    approved: decision === "approve",
    decision,
    comments: last?.comments ?? null,
    decided_by: last?.key ?? null,
    votes: approval.votes.map((vote) => ({ ...vote })),
  });
}

/** The node must wait for this kind of thing, in this visit. */
function waitsFor(run: RunModel, event: { node: string; visit: number }, kind: string): NodeModel {
  const node = run.node(event.node);
  const isIt = node.status === "waiting" && node.visit === event.visit && node.wait?.kind === kind;
  must(isIt, kind === "approval" ? "7" : "rules", () => `${node.id} (${node.status}) does not wait for ${kind}`);
  must(!run.isTerminal, "2", () => `${node.id} is told of something after the end`);
  return node;
}

function waiting(run: RunModel, event: EventOf<"node.waiting">): void {
  const node = run.node(event.node);
  const kind = kindOf(run.definition.node(node.id).type);
  must(kind.waits === event.wait.kind, "rules", () => `${node.id} waits for ${event.wait.kind}`);
  run.begin(node, event);
  const config = renderedConfig(run, node);
  must(config.ok && "value" in config, "rules", () => `${node.id} waits though its config cannot be rendered`);
  node.config = config.value as NodeModel["config"];
  node.wait = event.wait;
  node.sinceMs = event.at;
  const atOnce = execute(run, node);
  must(atOnce === null, "rules", () => `${node.id} waits though it has nothing to wait for: ${JSON.stringify(atOnce)}`);
  node.expected = null;
  judgeWait(run, node, event);
  node.mustSetTimer = TIMED.has(kind.type) || node.config.timeout_ms !== undefined;
  run.setActive(node, "waiting");
}

/** What the event says of its wait must be what the config says. */
function judgeWait(run: RunModel, node: NodeModel, { wait, at }: EventOf<"node.waiting">): void {
  const { config } = node;
  if (wait.kind === "event") must(wait.event === config.event, "rules", () => `${node.id} waits for ${wait.event}`);
  if (wait.kind === "child") {
    const isOfShard = wait.run_id.startsWith(run.runId.slice(0, "run_xx000".length));
    const known = run.surroundings.run(wait.run_id);
    // Read again after a loss it may be there already: one that cannot be read any more is left as it was.
    const isNew = known === undefined || known.isWrecked;
    must(isOfShard && isNew, "5", () => `${node.id} asks for the run ${wait.run_id}, which is not one of its own`);
    node.childInputs = inputsOfChild(run, node);
    const isNobody = run.surroundings.artifactOf(String(config.workflow)) === null;
    if (isNobody) node.expected = refuses("child_failed");
  }
  if (wait.kind === "items") {
    const { concurrency = 10, on_item_error: onError = "fail" } = config;
    node.items = itemsOf(config);
    node.decidedAtMs = at;
    const isIt =
      wait.total === node.items?.list.length && wait.concurrency === concurrency && wait.on_item_error === onError;
    must(isIt, "rules", () => `${node.id} waits for ${JSON.stringify(wait)}`);
  }
}

function timerSet(run: RunModel, event: EventOf<"timer.set">): void {
  const node = run.node(event.node);
  must(node.status === "waiting" && node.visit === event.visit, "11", () => `a timer of ${node.id} is set out of turn`);
  const { config, sinceMs } = node;
  if (event.timer === "child_look") judgeLook(run, node, event);
  else {
    const timeoutMs = Number(config.timeout_ms ?? APPROVAL_TIMEOUT_MS);
    const escalateMs = Number(config.escalate_after_ms ?? Math.floor(timeoutMs / 2));
    const afterMs = {
      delay: Number(config.duration_ms),
      event_timeout: timeoutMs,
      approval_expiry: timeoutMs,
      escalation: escalateMs,
    }[event.timer];
    must(event.due_at === sinceMs + afterMs, "11", () => `${event.timer} of ${node.id} is due at ${event.due_at}`);
    const escalates = config.escalate_to !== undefined && escalateMs < timeoutMs && node.fired !== "escalation";
    const isUp = event.at >= sinceMs + timeoutMs;
    const isFirst = event.timer === "approval_expiry" && escalates && !isUp && !run.isShadow;
    must(!isFirst, "rules", () => `${node.id} will not be escalated`);
  }
  node.mustSetTimer = false;
  node.fired = null;
  node.due = { why: "timer", timer: event.timer, atMs: event.due_at };
}

/** A look after a child comes when it is due, or when what asked for it may have been lost with the object. */
function judgeLook(run: RunModel, node: NodeModel, { at, due_at: dueAt }: EventOf<"timer.set">): void {
  const { due, sinceMs } = node;
  must(node.wait?.kind === "child", "11", () => `${node.id} waits for no child and is to look after one`);
  const afterMs = Math.min(Math.max(CHILD_LOOK_MS, at - sinceMs), CHILD_LOOK_MS_MAX);
  must(dueAt === at + afterMs, "11", () => `${node.id} looks after its child at ${dueAt}`);
  if (due === null) return;
  must(at - due.atMs <= LATE_MS, "effects", () => `${node.id} looks after its child long after its time`);
  if (at >= due.atMs) return;
  const isLost = run.surroundings.lifeAt(at) > node.recoveredInLife;
  must(isLost, "11", () => `${node.id} looks after its child though it is not due and nothing was lost`);
  node.recoveredInLife = Math.max(node.recoveredInLife + 1, run.surroundings.lifeAt(at - 1));
}

function timerFired(run: RunModel, event: EventOf<"timer.fired">): void {
  const node = run.node(event.node);
  const { due } = node;
  must(node.status === "waiting" && node.visit === event.visit, "11", () => `a timer of ${node.id} fires out of turn`);
  must(due?.timer === event.timer, "11", () => `${event.timer} of ${node.id} fires and was not set`);
  must(event.at >= due.atMs, "11", () => `${event.timer} of ${node.id} fires ${due.atMs - event.at} ms early`);
  must(
    event.at - Math.max(due.atMs, run.resumedMs) <= LATE_MS,
    "effects",
    () => `${event.timer} of ${node.id} fires long after its time`,
  );
  node.due = null;
  node.fired = event.timer;
  if (event.timer === "delay") node.expected = gives({ waited_ms: event.at - node.sinceMs });
  if (event.timer === "event_timeout") node.expected = refuses("event_timeout");
  if (event.timer === "escalation") node.mustSetTimer = true;
}

/** Goes to every node that waits for its name and that it matches; else it is kept. */
function signalReceived(run: RunModel, event: EventOf<"signal.received">): void {
  must(!run.isTerminal, "2", () => "a signal is received after the end");
  const payload = run.valueOf(event.payload, ">signal", event.seq);
  const takers: string[] = [];
  for (const node of run.active) {
    if (node.status !== "waiting" || node.wait?.kind !== "event" || node.wait.event !== event.name) continue;
    const given = takes(run, node, payload);
    if (given === null) continue;
    if (given.ok) takers.push(node.id);
    node.expected = given;
  }
  const isRight = [...event.delivered_to].sort().join() === takers.sort().join();
  must(isRight, "rules", () => `"${event.name}" goes to [${event.delivered_to}], and it should go to [${takers}]`);
  if (takers.length > 0) return;
  run.signals.push({ seq: event.seq, name: event.name, payload });
  must(run.signals.length <= SIGNALS_MAX, "13", () => `${run.signals.length} signals are kept`);
}
