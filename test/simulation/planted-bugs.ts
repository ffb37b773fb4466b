/** Bugs to be found: each is a change of one place in Weir's source, made as the module is loaded and nowhere else. */
import type { Check } from "./model/violation.ts";

export interface PlantedBug {
  name: string;
  file: string;
  find: string;
  put: string;
  /** The checks that find it: what it breaks, and what may break first because of it. */
  breaks: readonly Check[];
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "join-fires-twice",
    file: "src/engine/walk.ts",
    find: `if (state.status !== "pending") return "not_yet";`,
    put: `if (state.status !== "pending" && node.join !== "any") return "not_yet";`,
    breaks: ["5"],
  },
  {
    name: "join-does-not-wait",
    file: "src/engine/walk.ts",
    find: "if (state.resolved < node.incoming.length) return",
    put: "if (state.resolved + 1 < node.incoming.length) return",
    breaks: ["5"],
  },
  {
    name: "lost-retry",
    file: "src/store/shard/run-log.ts",
    find: "if (!isSame && (dueAt === null || run.dueAt === null || dueAt < run.dueAt)) {",
    put: "if (!isSame && (dueAt === null || run.dueAt === null)) {",
    breaks: ["effects"],
  },
  {
    name: "one-attempt-too-many",
    file: "src/engine/retry.ts",
    find: "if (attempt >= policy.maxAttempts ||",
    put: "if (attempt > policy.maxAttempts ||",
    breaks: ["13"],
  },
  {
    name: "duplicate-completion",
    file: "src/engine/plan.ts",
    find: `if (node.status !== "queued" && node.status !== "running") return "duplicate";`,
    put: `if (node.status !== "queued" && node.status !== "running" && node.status !== "completed") return "duplicate";`,
    breaks: ["4", "2"],
  },
  {
    name: "result-of-an-earlier-attempt",
    file: "src/engine/plan.ts",
    find: "node.attempt !== address.attempt) return null;\n  return node;",
    put: "node.attempt < address.attempt) return null;\n  return node;",
    breaks: ["4"],
  },
  {
    name: "leaked-dispatch",
    file: "workers/coordinator/dispatcher.ts",
    find: "let through = this.#collected.length === 0 ? lastId : this.#collectedRow - 1;",
    put: "if (lastId > 0) return lastId;\n    let through = lastId;",
    breaks: ["effects"],
  },
  {
    name: "nothing-is-recovered",
    file: "workers/coordinator/recovery.ts",
    find: "this.#suspects = suspects.length > 0 || isNewBoot ? suspects : null;",
    put: "this.#suspects = isNewBoot ? [] : null;",
    breaks: ["effects"],
  },
  {
    name: "early-timer",
    file: "src/engine/time.ts",
    find: "if (due === null || due.at > nowMs ||",
    put: "if (due === null || due.at > nowMs + 500 ||",
    breaks: ["11"],
  },
  {
    name: "effect-before-commit",
    file: "workers/coordinator/transitions.ts",
    find: "    commit.after(() => {\n      dispatcher.send(tasks, rowId);",
    put: "    dispatcher.send(tasks, rowId);\n    commit.after(() => {",
    breaks: ["effects"],
  },
  {
    name: "projection-goes-back",
    file: "src/store/projection.ts",
    find: "WHERE excluded.seq > runs.seq AND",
    put: "WHERE",
    breaks: ["views"],
  },
  {
    name: "forgotten-key",
    file: "workers/coordinator/starts.ts",
    find: "keys.remember(tenant, idempotency.key, record, nowMs);",
    put: "void record;",
    breaks: ["3"],
  },
  {
    name: "state-beside-the-log",
    file: "src/engine/ending.ts",
    find: "  const isPart = partOf(path) !== null;\n  const route",
    put: "  state.stored_bytes += beside;\n  const isPart = partOf(path) !== null;\n  const route",
    breaks: ["10"],
  },
  {
    name: "stale-snapshot",
    file: "src/store/shard/run-log.ts",
    find: "this.storeValue(runId, SNAPSHOT_PATH, 0, text);",
    put: "if (run.snapshotSeq === 0) this.storeValue(runId, SNAPSHOT_PATH, 0, text);",
    breaks: ["10", "15", "bugs"],
  },
  {
    name: "cut-transition-is-forgotten",
    file: "src/engine/walk.ts",
    find: `transition.effects.push({ type: "continue" });`,
    put: "",
    breaks: ["effects"],
  },
  {
    name: "one-pass-too-many",
    file: "src/engine/inline/loop.ts",
    find: "const passes = iteration + 1;",
    put: "const passes = iteration;",
    breaks: ["rules", "13"],
  },
  {
    name: "join-in-a-loop-does-not-wait-again",
    file: "src/engine/apply-edges.ts",
    find: "  unresolve(state, within);\n  for (const id of reset) {\n    toPending",
    put: "  for (const id of reset) {\n    toPending",
    breaks: ["5"],
  },
  {
    name: "body-goes-on-in-the-next-pass",
    file: "src/engine/ending.ts",
    find: "if (loop.body.has(nodeOf(active)) && transition.state.active.has(active)) cancelNode(transition, active);",
    put: "void active;",
    breaks: ["5"],
  },
  {
    name: "timer-goes-off-early",
    file: "src/engine/time.ts",
    find: "if (due === null || due.at > nowMs ||",
    put: 'if (due === null || (due.kind === "retry" || due.kind === "dispatch" ? due.at : due.at - 400) > nowMs ||',
    breaks: ["11"],
  },
  {
    name: "votes-twice",
    file: "src/engine/commands/decide.ts",
    find: "if (approval.votes.some((vote) => vote.key === voter)) return refuse",
    put: "if (approval.votes.length > 9) return refuse",
    breaks: ["7"],
  },
  {
    name: "pause-holds-nothing",
    file: "src/engine/walk.ts",
    find: `failing !== null || status === "paused" || isTerminal(status)`,
    put: "failing !== null || isTerminal(status)",
    breaks: ["5"],
  },
  {
    name: "item-too-many-at-a-time",
    file: "src/engine/waiting/items.ts",
    find: "items.started - items.ended < wait.concurrency;",
    put: "items.started - items.ended <= wait.concurrency;",
    breaks: ["13"],
  },
  {
    name: "signal-is-taken-twice",
    file: "src/engine/apply-node.ts",
    find: "if (event.signal !== undefined) state.signals",
    put: "if (event.signal === 0) state.signals",
    breaks: ["rules"],
  },
  {
    name: "patch-touches-what-has-started",
    file: "src/engine/frozen.ts",
    find: "    if (!isSameEdges(node.incoming, after.incoming)) {",
    put: "    if (node.incoming.length > 99) {",
    breaks: ["8"],
  },
  {
    name: "proposal-of-a-dry-run",
    file: "src/engine/commands/patch.ts",
    find: "if (isDryRun) return ok({ diff: asJson(diff) });",
    put: "if (isDryRun) { transition.state.stored_bytes += 1; return ok({ diff: asJson(diff) }); }",
    breaks: ["10"],
  },
  {
    name: "new-edge-is-always-taken",
    file: "src/engine/routing.ts",
    find: "  return edge.condition === undefined || edge.program === undefined\n    ? ok(true)",
    put: "  return edge.condition !== null\n    ? ok(true)",
    breaks: ["rules"],
  },
  {
    // Real: the simulator found it.
    name: "replay-leads-into-a-loop-that-goes-on",
    file: "src/engine/commands/replay-node.ts",
    find: "...(anew.loops.length === 0 ? {} : { begun_anew: anew }),",
    put: "",
    breaks: ["5"],
  },
  {
    name: "replay-keeps-what-was-resolved",
    file: "src/engine/apply-edges.ts",
    find: "[...state.edges.keys()].filter((key) => nodes.has(edgeSource(key))),",
    put: "[],",
    breaks: ["5"],
  },
  {
    // Real: the simulator found it.
    name: "pause-does-not-hold-an-escalation",
    file: "src/engine/time.ts",
    find: `if (state.status === "paused" && due.kind === "escalation") continue;`,
    put: "",
    breaks: ["5"],
  },
  {
    // Real: the simulator found it.
    name: "patch-waits-for-a-loop-that-has-ended",
    file: "src/engine/patches.ts",
    find: "edge.leaves !== null && !hasEnded(transition, edge.leaves)",
    put: "edge.leaves !== null",
    breaks: ["5", "rules"],
  },
  {
    // These two were real: the simulator found them.
    name: "recovery-gives-up",
    file: "workers/coordinator/recovery.ts",
    find: "if (failed.length > 0 && this.#tries < TRIES_MAX) {",
    put: "if (failed.length < 0) {",
    breaks: ["effects"],
  },
  {
    name: "deadline-doubles-for-ever",
    file: "src/engine/task.ts",
    find: "Math.min(sends - 1, DISPATCH_DOUBLINGS_MAX)",
    put: "Math.min(sends - 1, 40)",
    breaks: ["11"],
  },
];
