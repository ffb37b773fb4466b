/** Runs that other runs began: children of nodes, replays. Who may begin, whom its end is told, who goes on alone. */
import { isEqualJson, isJsonObject, type Json } from "#kernel/json.ts";
import { gives, refuses } from "../scenario/given.ts";
import type { NodeModel } from "./node-model.ts";
import { keptNodes } from "./prior-rules.ts";
import { DEPTH_MAX, inputOf, outputsOf } from "./reading.ts";
import type { EventOf, RunModel } from "./run-model.ts";
import { must } from "./violation.ts";

/** A run begins: as a child of a node that waits for it, as a replay of another, or for itself. */
export function beginRelative(run: RunModel, event: EventOf<"run.queued">): void {
  run.parent = event.parent ?? null;
  run.depth = event.depth ?? 0;
  run.replayOf = event.replay_of ?? null;
  const from = run.surroundings.run((event.parent ?? event.replay_of)?.run_id ?? "");
  run.rootId = from?.rootId ?? run.runId;
  // Of what cannot be read any more nothing is known but that it was there.
  if (from?.isWrecked) return;
  if (event.parent !== undefined) beginChild(run, event);
  else if (event.replay_of !== undefined) beginReplay(run, event);
  else must(run.depth === 0, "13", () => `${run.runId} has no parent and stands ${run.depth} deep`);
}

function beginChild(run: RunModel, event: EventOf<"run.queued">): void {
  const [parent, node] = waitingFor(run) ?? [];
  const what = () => `${run.runId}, a child of ${event.parent?.path} of ${event.parent?.run_id},`;
  must(parent !== undefined && node !== undefined, "effects", () => `${what()} begins and nobody waits for it`);
  must(run.depth === parent.depth + 1 && run.depth <= DEPTH_MAX, "13", () => `${what()} stands ${run.depth} deep`);
  const name = String(node.config.workflow);
  const isIt = event.artifact_id === run.surroundings.artifactOf(name) && event.trigger === "workflow";
  must(isIt, "rules", () => `${what()} runs ${event.artifact_id}, and it should run ${name}`);
  const isRight = isEqualJson(run.inputs, node.childInputs);
  must(isRight, "rules", () => `${what()} has the inputs ${JSON.stringify(run.inputs)}`);
  const of = run.replayOf;
  const isShadowed = of !== null && of.run_id === parent.runId && of.mode === "shadow" && of.from === null;
  must(parent.isShadow ? isShadowed : of === null, "rules", () => `${what()} is a replay: ${JSON.stringify(of)}`);
}

function beginReplay(run: RunModel, event: EventOf<"run.queued">): void {
  const { run_id, from, mode } = event.replay_of ?? { run_id: "", from: null, mode: "live" };
  const source = run.surroundings.run(run_id);
  must(source !== undefined, "9", () => `${run.runId} replays ${run_id}, which is not there`);
  must(event.trigger === "replay", "rules", () => `${run.runId} is a replay and was begun by ${event.trigger}`);
  must(mode !== "freeze" || from !== null, "9", () => `${run.runId} freezes nothing`);
  if (from === null) return;
  must(run.definition.nodes.has(from), "9", () => `${run.runId} begins from ${from}, which is not there`);
  must(isEqualJson(run.inputs, source.inputs), "9", () => `${run.runId} has other inputs than what it takes over`);
  run.kept = keptNodes(run.definition, source, from);
}

/** What a node hands to the run that it starts. */
export function inputsOfChild(run: RunModel, node: NodeModel): Json {
  const given = node.config.inputs ?? inputOf(run, node);
  return isJsonObject(given) ? given : {};
}

/** It has ended: whoever waits for it must be told, once and at once. */
export function tellParent(run: RunModel): void {
  const [, node] = waitingFor(run) ?? [];
  if (node === undefined) return;
  node.expected = run.status === "completed" ? gives(outputsOf(run)) : refuses("child_failed");
  node.decidedAtMs = run.log.at(-1)?.at ?? null;
}

/** To be called when all that was committed at once has been taken. */
export function judgeRelatives(run: RunModel): void {
  if (run.isWrecked) return;
  for (const { id, wait } of run.active) {
    const child = wait?.kind === "child" ? run.surroundings.run(wait.run_id) : undefined;
    if (child === undefined || child.isWrecked) continue;
    must(!child.isTerminal, "rules", () => `${id} of ${run.runId} waits for ${child.runId}, which is ${child.status}`);
  }
  const parent = run.surroundings.run(run.parent?.run_id ?? "");
  // One that was replayed after its end goes on for itself.
  if (run.parent === null || run.isTerminal || run.generation > 1 || parent?.isWrecked) return;
  const { path } = run.parent;
  must(waitingFor(run) !== null, "rules", () => `${run.runId} goes on and ${path} does not wait for it any more`);
}

/** The node that waits for this child, with its run. */
function waitingFor(run: RunModel): [RunModel, NodeModel] | null {
  if (run.parent === null) return null;
  const { run_id, path, visit } = run.parent;
  const parent = run.surroundings.run(run_id);
  const node = parent?.nodes.get(path);
  if (parent === undefined || node?.status !== "waiting" || node.visit !== visit) return null;
  return node.wait?.kind === "child" && node.wait.run_id === run.runId ? [parent, node] : null;
}
