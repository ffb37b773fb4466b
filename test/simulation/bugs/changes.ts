/** Bugs in what changes a run from outside, and in runs that come of runs: patches, replays, children. */
import type { PlantedBug } from "../planted-bugs.ts";

export const CHANGE_BUGS: readonly PlantedBug[] = [
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
    name: "patch-waits-for-a-loop-that-has-ended",
    file: "src/engine/patches.ts",
    find: "edge.leaves !== null && !hasEnded(transition, edge.leaves)",
    put: "edge.leaves !== null",
    breaks: ["5", "rules"],
  },
  {
    name: "end-of-a-child-is-told-twice",
    file: "src/engine/waiting/child.ts",
    find: "if (!waitsForChild(transition.state, end)) return false;",
    put: "if (transition.nodeState(path).visit !== end.visit) return false;",
    breaks: ["4", "2"],
  },
  {
    name: "cancelled-parent-leaves-its-child",
    file: "src/engine/ending.ts",
    find: `if (status === "waiting" && wait?.kind === "child") {`,
    put: `if (status === "queued" && wait?.kind === "child") {`,
    breaks: ["rules"],
  },
  {
    // Real: the simulator found it.
    name: "child-begins-after-its-parent-has-ended",
    file: "workers/coordinator/starts.ts",
    find: " || !this.#isWaitedFor(request)) return;",
    put: ") return;",
    breaks: ["effects"],
  },
  {
    name: "failure-of-a-child-is-told-late",
    file: "src/engine/plan.ts",
    find: "if (hasEnded && state.parent !== null) {",
    put: `if (hasEnded && state.parent !== null && state.status === "completed") {`,
    breaks: ["rules"],
  },
  {
    name: "child-too-deep",
    file: "src/engine/waiting/child.ts",
    find: "if (state.depth >= DEPTH_MAX) {",
    put: "if (state.depth > DEPTH_MAX) {",
    breaks: ["rules", "13"],
  },
  {
    name: "frozen-result-is-made-again",
    file: "src/engine/prior-results.ts",
    find: "if (before !== undefined && hasResult(state, id) && isSameNode(before, node)) kept.add(id);",
    put: `if (before !== undefined && hasResult(state, id) && isSameNode(before, node) && node.type.kind !== "task") kept.add(id);`,
    breaks: ["9"],
  },
  {
    name: "frozen-result-is-not-the-same",
    file: "src/engine/prior-results.ts",
    find: "const output: Json = scope.output(id);",
    put: "const output: Json = Array.isArray(scope.output(id)) ? [] : scope.output(id);",
    breaks: ["9"],
  },
  {
    name: "result-of-another-version-is-taken-over",
    file: "src/engine/prior-results.ts",
    find: "isEqualJson(left.definition as unknown as Json, right.definition as unknown as Json) &&",
    put: "",
    breaks: ["9"],
  },
  {
    name: "shadow-sends",
    file: "src/engine/shadow.ts",
    find: `new Set(["GET", "HEAD"])`,
    put: `new Set(["GET", "HEAD", "POST"])`,
    breaks: ["effects"],
  },
  {
    name: "agent-adds-what-it-may-not",
    file: "src/engine/agent-policy.ts",
    find: "if (!TYPES.has(type)) this.#refuse(",
    put: 'if (type === "") this.#refuse(',
    breaks: ["8"],
  },
  {
    name: "patch-of-an-agent-is-taken-though-refused",
    file: "src/engine/agent-patches.ts",
    find: "patch.rejected === undefined ? judge",
    put: "patch.rejected !== null ? judge",
    breaks: ["8"],
  },
];
