/** Events that change a run from outside: patches of its workflow and replays of its nodes. */
import { isEqualJson, type Json } from "#kernel/json.ts";
import type { EdgeDefinition, NodeDefinition } from "#workflow/definition.ts";
import { DefinitionModel } from "./definition-model.ts";
import type { Rules } from "./rules.ts";
import type { EventOf, RunModel } from "./run-model.ts";
import { must } from "./violation.ts";

const PATCHES_MAX = 100;

export const CHANGE_RULES: Rules = {
  "patch.proposed": (run, event) => {
    must(!run.isTerminal, "2", () => "a patch is proposed after the end");
    must(event.patch === run.patches.length + 1, "8", () => `patch ${event.patch} follows ${run.patches.length}`);
    must(event.patch <= PATCHES_MAX, "13", () => `${event.patch} patches`);
    const operations = run.valueOf(event.operations, ">patch", event.patch);
    run.patches.push({ operations: operations as unknown as Operation[], status: "proposed" });
  },
  "patch.applied": (run, event) => {
    const patch = run.patches[event.patch - 1];
    must(!run.isTerminal && run.failing === null, "2", () => `patch ${event.patch} is applied after the end`);
    must(patch?.status === "proposed", "8", () => `patch ${event.patch} is applied and is ${patch?.status}`);
    patch.status = "applied";
    goOnWith(run, patched(run.definition, patch.operations), new Set());
  },
  "patch.rejected": (run, event) => {
    const patch = run.patches[event.patch - 1];
    must(patch?.status === "proposed", "8", () => `patch ${event.patch} is rejected and is ${patch?.status}`);
    patch.status = "rejected";
  },
  "patch.reverted": (run, event) => {
    const patch = run.patches[event.patch - 1];
    const isLast = run.patches.findLastIndex(({ status }) => status === "applied") === event.patch - 1;
    must(isLast && patch?.status === "applied", "8", () => `patch ${event.patch} is taken back and is not the last`);
    patch.status = "reverted";
    const applied = run.patches.filter(({ status }) => status === "applied");
    let definition = run.base;
    for (const { operations } of applied) definition = patched(definition, operations);
    goOnWith(run, definition, new Set(event.unresolved));
  },
  "replay.requested": replayed,
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

export interface Operation {
  op: string;
  path: string;
  value?: Json;
}

/** The few operations that scenarios make, done a second time. */
function patched(definition: DefinitionModel, operations: readonly Operation[]): DefinitionModel {
  const lists = { nodes: [...definition.nodes.values()] as unknown[], edges: [...definition.edges] as unknown[] };
  for (const { op, path, value } of operations) {
    const [, list, at] = path.split("/") as [string, "nodes" | "edges", string];
    const items = lists[list];
    if (op === "add") items.splice(at === "-" ? items.length : Number(at), 0, value);
    else if (op === "remove") items.splice(Number(at), 1);
    else throw new Error(`the model cannot do ${op}`);
  }
  return new DefinitionModel(lists.nodes as NodeDefinition[], lists.edges as EdgeDefinition[]);
}

/** Invariant 8: what has started or is resolved stays as it was; new edges out of what has ended are judged at once. */
function goOnWith(run: RunModel, to: DefinitionModel, unresolved: ReadonlySet<string>): void {
  const before = run.definition;
  const nameOf = (edge: { from: string; name: string }) => `${edge.from}>${edge.name}`;
  const shape = (edges: readonly object[]) => JSON.stringify([...edges].map((edge) => JSON.stringify(edge)).sort());
  for (const node of run.nodes.values()) {
    if (node.visit === 0 && node.status === "pending") continue;
    if (node.id.includes("[")) continue;
    const after = to.nodes.get(node.id);
    const isSame = after !== undefined && isEqualJson(after as never, before.node(node.id) as never);
    must(isSame, "8", () => `${node.id} has started and is changed by a patch`);
    const isLedTo = shape(before.incoming(node.id)) === shape(to.incoming(node.id));
    must(isLedTo, "8", () => `edges into ${node.id}, which has started, are changed by a patch`);
  }
  for (const node of run.nodes.values()) {
    for (const edge of [...node.resolved]) {
      if (unresolved.has(nameOf(edge))) {
        must(node.visit === 0 && node.status === "pending", "8", () => `${nameOf(edge)} led to what has started`);
        continue;
      }
      const same = to.outgoing(edge.from).find((other) => nameOf(other) === nameOf(edge));
      must(same !== undefined && shape([same]) === shape([edge]), "8", () => `${nameOf(edge)} is resolved and changed`);
    }
  }
  run.adopt(to, unresolved);
}

function replayed(run: RunModel, event: EventOf<"replay.requested">): void {
  if (event.run_id !== undefined || event.node === undefined) return;
  const node = run.node(event.node);
  must(node.visit > 0 && node.status !== "skipped", "rules", () => `${node.id} is replayed and has not run`);
  const wasTerminal = run.isTerminal;
  must(wasTerminal || run.failing === null, "2", () => `${node.id} is replayed in a run that is about to fail`);
  const cancelled = [...run.nodes.values()].filter(({ status }) => status === "cancelled").map(({ id }) => id);
  const seeds = [node.id, ...(wasTerminal ? cancelled : [])];
  const reset = run.definition.downstream(seeds);
  const isRight = [...(event.reset ?? [])].sort().join() === [...reset].sort().join();
  must(isRight, "rules", () => `a replay of ${node.id} resets [${event.reset}], and it should be [${[...reset]}]`);
  run.replay(seeds, reset, event);
  run.mustReopen = wasTerminal;
}
