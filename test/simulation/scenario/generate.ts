/** From a seed to a scenario. Each seed has its own weather: which faults there are, how slow things are, how many runs. */

import type { Json } from "#kernel/json.ts";
import { checkWorkflow } from "#workflow/check.ts";
import { Seeded } from "../../support/seeded.ts";
import { VOTERS } from "../nodes/hitl.ts";
import { EVENTS } from "../nodes/wait-for-event.ts";
import { FAULT_KINDS, type FaultKind, type FaultRates } from "../platform/faults.ts";
import { BOUNDS, type Bounds } from "../platform/tuning.ts";
import { randomWorkflow } from "./graph.ts";
import {
  type Answers,
  type Command,
  type Crash,
  PATCH_KINDS,
  type RunScript,
  type Scenario,
  type Workflow,
} from "./scenario.ts";

/** How often a fault happens where it is part of the weather. */
const RATES: Record<FaultKind, number> = {
  "commit.fails": 0.05,
  "flush.lost": 0.06,
  "flush.then_lost": 0.06,
  "call.lost": 0.05,
  "answer.lost": 0.05,
  "send.refused": 0.15,
  "send.doubted": 0.15,
  "message.lost": 0.12,
  "message.repeated": 0.2,
  "message.late": 0.15,
  "message.poison": 0.05,
  "batch.lost": 0.1,
  "task.hangs": 0.1,
  "alarm.late": 0.2,
  "alarm.repeated": 0.3,
  "database.refused": 0.2,
  "database.answer_lost": 0.2,
  "database.slow": 0.05,
};

/** Trouble lasts at most this long. */
const TROUBLE_MS_MAX = 60_000;

export const NODES_MAX = 60;

export function scenarioOf(seed: number): Scenario {
  const random = new Seeded(seed * 2_654_435_761);
  const local = random.chance(0.25);
  const shards = random.chance(0.2) ? 2 : 1;
  const isCalm = random.chance(0.15);
  const healMs = random.between(2_000, TROUBLE_MS_MAX);
  const workflows = makeWorkflows(random);
  const runs = makeRuns(random, workflows, shards);
  return {
    seed,
    local,
    shards,
    delays: {
      call: random.pick([1, 5, 50]),
      flush: random.pick([0, 3, 20, 200]),
      alarm: random.pick([0, 50]),
      message: random.pick([1, 20, 500]),
      database: random.pick([2, 30, 400]),
    },
    bounds: makeBounds(random),
    rates: isCalm ? {} : makeRates(random),
    answers: makeAnswers(random),
    healMs,
    workflows,
    runs,
    commands: makeCommands(random, runs, healMs),
    crashes: isCalm ? [] : makeCrashes(random, { local, shards, healMs }),
    faults: null,
  };
}

/** What is wrong with a workflow by the product's own checks; empty when nothing is. */
export function problemsOf(workflow: Workflow): string[] {
  return checkWorkflow(workflow).errors.map(({ pointer, message }) => `${pointer}: ${message}`);
}

function makeWorkflows(random: Seeded): Workflow[] {
  return Array.from({ length: random.chance(0.8) ? 1 : 2 }, () => {
    const size = random.next();
    const [least, most] = size < 0.5 ? [1, 8] : size < 0.87 ? [6, 20] : [20, NODES_MAX];
    const workflow = randomWorkflow(random, random.between(least, most));
    if (random.chance(0.15)) workflow.metadata = { patch_policy: "gated" };
    const problems = problemsOf(workflow);
    if (problems.length > 0) throw new Error(`the generator made a workflow that is wrong: ${problems.join("; ")}`);
    return workflow;
  });
}

function makeRuns(random: Seeded, workflows: readonly Workflow[], shards: number): RunScript[] {
  const isLarge = workflows.some((workflow) => workflow.nodes.length > 20);
  return Array.from({ length: isLarge ? random.between(1, 2) : random.between(1, 4) }, (_, index) => ({
    name: `r${index}`,
    atMs: random.chance(0.5) ? 0 : random.between(0, 3_000),
    shard: random.between(0, shards - 1),
    workflow: random.between(0, workflows.length - 1),
    inputs: { n: random.between(0, 9) },
    ...(random.chance(0.3) ? { key: `key-${index}` } : {}),
  }));
}

function makeBounds(random: Seeded): Bounds {
  const entries = Object.entries(BOUNDS).map(([name, values]) => [
    name,
    random.chance(0.5) ? values[0] : random.pick(values),
  ]);
  return Object.fromEntries(entries) as Bounds;
}

function makeRates(random: Seeded): FaultRates {
  const share = random.pick([0.15, 0.35, 0.7]);
  const force = random.pick([0.5, 1, 2]);
  const rates: FaultRates = {};
  for (const kind of FAULT_KINDS) if (random.chance(share)) rates[kind] = Math.min(0.6, RATES[kind] * force);
  return rates;
}

function makeAnswers(random: Seeded): Answers {
  return {
    retryable: random.pick([0, 0.1, 0.3]),
    fatal: random.pick([0, 0.03, 0.15]),
    throws: random.pick([0, 0, 0.03]),
    slow: random.pick([0, 0.1, 0.5]),
    large: random.pick([0, 0.05]),
  };
}

function makeCommands(random: Seeded, runs: readonly RunScript[], healMs: number): Command[] {
  const commands: Command[] = [];
  for (const run of runs) {
    const at = () => run.atMs + Math.floor(random.next() ** 2 * healMs);
    if (random.chance(0.12)) commands.push({ type: "cancel", atMs: at(), run: run.name });
    commands.push(...makeAsked(random, run, at));
    if (random.chance(0.3)) commands.push({ type: "read", atMs: at(), run: run.name, limit: random.pick([1, 7, 100]) });
    if (random.chance(0.2))
      commands.push({ type: "wait", atMs: at(), run: run.name, waitMs: random.between(1, 30_000) });
    if (run.key !== undefined && random.chance(0.7)) {
      commands.push({ type: "start_again", atMs: at(), run: run.name, otherBody: random.chance(0.3) });
    }
    if (random.chance(0.1)) {
      const [visit, attempt] = random.pick([
        [1, 2],
        [2, 1],
        [1, 1],
      ]) as [number, number];
      commands.push({ type: "forge", atMs: at(), run: run.name, node: `n${random.between(0, 9)}`, visit, attempt });
    }
  }
  return commands;
}

/** What is asked of a run while it goes on, besides its end. */
function makeAsked(random: Seeded, { name: run }: RunScript, at: () => number): Command[] {
  const commands: Command[] = [];
  if (random.chance(0.15)) {
    const pausedMs = at();
    commands.push({ type: "pause", atMs: pausedMs, run });
    if (random.chance(0.9)) commands.push({ type: "resume", atMs: pausedMs + random.between(1, 40_000), run });
  }
  for (let left = random.chance(0.5) ? random.between(1, 5) : 0; left > 0; left--) {
    const payload = random.pick<Json>([{ v: random.between(0, 9) }, "text", [1, 2], null, { text: "y".repeat(60) }]);
    commands.push({ type: "signal", atMs: at(), run, name: random.pick(EVENTS), payload });
  }
  for (let left = random.chance(0.5) ? random.between(1, 6) : 0; left > 0; left--) {
    const decision = random.chance(0.8) ? "approve" : "reject";
    commands.push({
      type: "decide",
      atMs: at(),
      run,
      voter: random.pick(VOTERS),
      decision,
      which: random.between(0, 3),
    });
  }
  for (let left = random.chance(0.35) ? random.between(1, 3) : 0; left > 0; left--) {
    commands.push({ type: "patch", atMs: at(), run, how: random.pick(PATCH_KINDS), which: random.between(0, 999) });
    if (random.chance(0.3)) commands.push({ type: "revert_patch", atMs: at(), run });
    if (random.chance(0.5))
      commands.push({ type: "decide_patch", atMs: at() + 2_000, run, decision: random.pick(["approve", "reject"]) });
  }
  for (let left = random.chance(0.35) ? random.between(1, 2) : 0; left > 0; left--) {
    const atMs = at() + random.pick([0, 0, 20_000, 100_000]);
    const [force, override] = [random.chance(0.6), random.chance(0.3)];
    commands.push({ type: "replay_node", atMs, run, which: random.between(0, 999), force, override });
  }
  return commands;
}

function makeCrashes(random: Seeded, about: { local: boolean; shards: number; healMs: number }): Crash[] {
  return Array.from({ length: random.pick([0, 0, 1, 2, 4]) }, () => ({
    atMs: Math.floor(random.next() ** 2 * about.healMs),
    what: random.pick(about.local ? (["all", "all", "evicted"] as const) : (["lost", "evicted"] as const)),
    shard: random.between(0, about.shards - 1),
  }));
}
