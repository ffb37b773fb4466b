/** Events of replays: nodes that run again in their run, and runs that were started in the place of others. */
import type { Rules } from "./rules.ts";
import type { EventOf, RunModel } from "./run-model.ts";
import { must } from "./violation.ts";

export const REPLAY_RULES: Rules = {
  "replay.requested": (run, event) => {
    if (event.run_id === undefined) replayNode(run, event);
    else replayedAs(run, event, event.run_id);
  },
  "run.reopened": (run, event) => {
    must(run.isTerminal && run.mustReopen, "2", () => `a run that is ${run.status} is reopened`);
    must(
      event.generation === run.generation + 1,
      "2",
      () => `generation ${event.generation} follows ${run.generation}`,
    );
    run.generation = event.generation;
    run.status = "running";
    run.failing = null;
    run.mustReopen = false;
  },
};

/** The run that it tells of is there, and knows what it replays. */
function replayedAs(run: RunModel, event: EventOf<"replay.requested">, as: string): void {
  const replay = run.surroundings.run(as)?.replayOf;
  const isIt = replay?.run_id === run.runId && replay.mode === event.mode && (replay.from ?? undefined) === event.node;
  must(isIt, "9", () => `${run.runId} is said to be replayed as ${as}, which is a replay of ${replay?.run_id}`);
}

function replayNode(run: RunModel, event: EventOf<"replay.requested">): void {
  if (event.node === undefined) return;
  const node = run.node(event.node);
  must(node.visit > 0 && node.status !== "skipped", "rules", () => `${node.id} is replayed and has not run`);
  const wasTerminal = run.isTerminal;
  must(wasTerminal || run.failing === null, "2", () => `${node.id} is replayed in a run that is about to fail`);
  const cancelled = [...run.nodes.values()].filter(({ status }) => status === "cancelled").map(({ id }) => id);
  const seeds = [node.id, ...(wasTerminal ? cancelled : [])];
  const reset = run.definition.downstream(seeds);
  const isRight = [...(event.reset ?? [])].sort().join() === [...reset].sort().join();
  must(isRight, "rules", () => `a replay of ${node.id} resets [${event.reset}], and it should be [${[...reset]}]`);
  runAgain(run, seeds, reset, event);
  run.mustReopen = wasTerminal;
}

/** Nodes run again: what led to them stays, what they led to is open. A loop that is entered anew begins anew. */
function runAgain(
  run: RunModel,
  seeds: readonly string[],
  reset: ReadonlySet<string>,
  event: EventOf<"replay.requested">,
): void {
  for (const id of reset) {
    const node = run.node(id);
    must(!node.isActive, "5", () => `${id} is ${node.status} and to be run again`);
    node.reset();
    node.override = id === event.node ? (event.config ?? null) : null;
    run.unhandled.delete(id);
  }
  for (const node of run.nodes.values()) node.unresolve((edge) => reset.has(edge.from));
  for (const { id, head, body } of run.definition.loops.values()) {
    const outside = seeds.filter((seed) => !body.has(seed));
    if (!run.definition.downstream(outside).has(head)) continue;
    run.passes.delete(id);
    run.node(head).again = ledBackBy(run, head);
  }
  for (const id of reset) if (run.readiness(run.node(id)) !== "not_yet") run.node(id).decidedAtMs = event.at;
  run.givenUp = run.givenUp.filter((id) => !reset.has(id));
}

/** The innermost loop that leads back to this head and is past its first pass. */
function ledBackBy(run: RunModel, head: string): string | null {
  const loops = run.definition.around(head).filter((loop) => loop.head === head && run.passes.has(loop.id));
  return loops[0]?.id ?? null;
}
