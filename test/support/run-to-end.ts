/**
 * Runs a definition to its end in the pure engine, with answers that depend on nothing but the request, so that two
 * versions of a workflow can be compared: what came out, and what was asked of the world outside.
 */
import type { Task, TaskOutcome } from "#engine/task.ts";
import { canonicalJson, type Json, type JsonObject } from "#kernel/json.ts";
import type { CompiledGraph } from "#workflow/graph.ts";
import { RunDriver } from "./run-driver.ts";

export interface Ended {
  status: string;
  outputs: JsonObject | undefined;
  error: { code: string; node: string } | null;
  /** Every request, as canonical text, sorted: a multiset. */
  requests: string[];
  /** Those that do more than read. */
  effects: string[];
  /** Nodes that failed, and of what kind they are. */
  failed: { node: string; kind: string }[];
}

export type Answer = (config: JsonObject) => TaskOutcome;

/** Which of the open tasks is answered next, by its place. */
export type Schedule = (tasks: readonly Task[], graph: CompiledGraph) => number;

export const OLDEST_FIRST: Schedule = () => 0;
export const NEWEST_FIRST: Schedule = (tasks) => tasks.length - 1;

/** What fails the run is told last: until then everything that does not depend on it has happened. */
export function failuresLast(answer: Answer): Schedule {
  return (tasks, graph) => {
    const isHandled = (task: Task) => {
      const node = graph.nodes.get(task.path);
      return node?.continuesOnError || node?.outgoing.some((edge) => edge.on === "failure");
    };
    return Math.max(
      0,
      tasks.findIndex((task) => answer(task.config).ok || isHandled(task)),
    );
  };
}

/** A request without what names the node that makes it. */
export function requestText({ secrets: _, cache: __, ...config }: JsonObject): string {
  return canonicalJson(config);
}

export function runToEnd(document: unknown, inputs: Json, answer: Answer, schedule: Schedule = OLDEST_FIRST): Ended {
  const run = new RunDriver(document, inputs);
  const asked: JsonObject[] = [];
  const known = new Set<string>();
  const note = () => {
    for (const task of run.tasks) {
      if (!known.has(task.task_id)) asked.push(task.config);
      known.add(task.task_id);
    }
  };
  note();
  for (let steps = 0; isUnderWay(run); steps++) {
    if (steps > STEPS_MAX) throw new Error("the run does not end");
    const [task] = run.tasks.splice(schedule(run.tasks, run.graph), 1);
    if (task !== undefined) run.answerTask(task, answer(task.config));
    else if (!decideNext(run)) run.pass(HOUR_MS);
    note();
  }
  const { status, error } = run.view;
  return {
    status,
    outputs: run.outputs,
    error: error === undefined ? null : { code: error.code, node: error.node },
    requests: asked.map(requestText).sort(),
    effects: asked
      .filter((config) => config.method !== "GET" && config.method !== "HEAD")
      .map(requestText)
      .sort(),
    failed: run.events.flatMap((event) =>
      event.type === "node.failed"
        ? [{ node: event.node, kind: run.graph.nodes.get(event.node)?.type.kind ?? "" }]
        : [],
    ),
  };
}

const STEPS_MAX = 1_000;
const HOUR_MS = 3_600_000;

function isUnderWay(run: RunDriver): boolean {
  return !["completed", "failed", "cancelled"].includes(run.view.status);
}

/** Votes on an open approval, for or against by the id of its node; false when there is none. */
function decideNext(run: RunDriver): boolean {
  for (const [id, { status, approval }] of run.state.nodes) {
    if (status !== "waiting" || approval === null || approval.decision !== null) continue;
    const decision = id.charCodeAt(id.length - 1) % 3 === 0 ? ("reject" as const) : ("approve" as const);
    run.command({ type: "decide", approval_id: approval.approval_id, voter: "key_a", decision, comments: "as its id" });
    return true;
  }
  return false;
}

/** Every way in which the answers can come in, up to `max` ways; null when there are more. */
export function everyEnd(document: unknown, inputs: Json, answer: Answer, max: number): Ended[] | null {
  const ends: Ended[] = [];
  const choices: { taken: number; of: number }[] = [];
  for (;;) {
    let step = 0;
    ends.push(
      runToEnd(document, inputs, answer, (tasks) => {
        const choice = choices[step] ?? { taken: 0, of: tasks.length };
        choices[step] = choice;
        step += 1;
        return choice.taken;
      }),
    );
    choices.length = step;
    while (choices.length > 0) {
      const last = choices[choices.length - 1];
      if (last === undefined) break;
      last.taken += 1;
      if (last.taken < last.of) break;
      choices.pop();
    }
    if (choices.length === 0) return ends;
    if (ends.length >= max) return null;
  }
}
