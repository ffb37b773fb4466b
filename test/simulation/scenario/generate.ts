/** From a seed to a scenario. Each seed has its own weather: which faults there are, how slow things are, how many runs. */

import { Seeded } from "../../support/seeded.ts";
import { FAULT_KINDS, type FaultKind, type FaultRates } from "../platform/faults.ts";
import { BOUNDS, type Bounds } from "../platform/tuning.ts";
import { makeCommands } from "./commands.ts";
import type { Answers, Crash, RunScript, Scenario, Workflow } from "./scenario.ts";
import { makeWorkflows } from "./workflows.ts";

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

export function scenarioOf(seed: number): Scenario {
  const random = new Seeded(seed * 2_654_435_761);
  const local = random.chance(0.25);
  const shards = random.chance(0.2) ? 2 : 1;
  const isCalm = random.chance(0.15);
  const healMs = random.between(2_000, TROUBLE_MS_MAX);
  const { workflows, started, versions } = makeWorkflows(random);
  const runs = makeRuns(random, workflows.slice(0, started), shards);
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
      batch: random.pick([1, 40, 200]),
    },
    bounds: makeBounds(random),
    rates: isCalm ? {} : makeRates(random),
    answers: makeAnswers(random),
    healMs,
    workflows,
    runs,
    commands: makeCommands(random, { runs, workflows, versions, healMs }),
    crashes: isCalm ? [] : makeCrashes(random, { local, shards, healMs }),
    faults: null,
  };
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
    kills: random.pick([0, 0, 0, 0.05]),
    slow: random.pick([0, 0.1, 0.5]),
    large: random.pick([0, 0.05]),
  };
}

function makeCrashes(random: Seeded, about: { local: boolean; shards: number; healMs: number }): Crash[] {
  const crashes: Crash[] = Array.from({ length: random.pick([0, 0, 1, 2, 4]) }, () => ({
    atMs: Math.floor(random.next() ** 2 * about.healMs),
    what: random.pick(about.local ? (["all", "all", "evicted"] as const) : (["lost", "evicted"] as const)),
    shard: random.between(0, about.shards - 1),
  }));
  if (random.chance(0.12)) {
    const atMs = Math.floor(random.next() ** 3 * about.healMs);
    crashes.push({ atMs, what: "wrecked", shard: random.between(0, about.shards - 1) });
  }
  return crashes;
}
