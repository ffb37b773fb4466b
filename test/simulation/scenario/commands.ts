/** What clients ask for in a scenario, each at its time. */
import { REPLAY_MODES } from "#engine/events.ts";
import type { Json } from "#kernel/json.ts";
import type { Seeded } from "../../support/seeded.ts";
import { VOTERS } from "../nodes/hitl.ts";
import { EVENTS } from "../nodes/wait-for-event.ts";
import { type Command, PATCH_KINDS, type RunScript, type Workflow } from "./scenario.ts";

export interface CommandParts {
  runs: readonly RunScript[];
  workflows: readonly Workflow[];
  /** By workflow: the index of another version of it, if there is one. */
  versions: ReadonlyMap<number, number>;
  healMs: number;
}

export function makeCommands(random: Seeded, { runs, workflows, versions, healMs }: CommandParts): Command[] {
  const commands: Command[] = [];
  for (const run of runs) {
    const at = () => run.atMs + Math.floor(random.next() ** 2 * healMs);
    if (random.chance(0.12)) commands.push({ type: "cancel", atMs: at(), run: run.name });
    commands.push(...makeAsked(random, run, at));
    commands.push(...makeReplays(random, run, at, versions.get(run.workflow) ?? null));
    if (random.chance(0.3)) commands.push({ type: "read", atMs: at(), run: run.name, limit: random.pick([1, 7, 100]) });
    if (random.chance(0.2))
      commands.push({ type: "wait", atMs: at(), run: run.name, waitMs: random.between(1, 30_000) });
    if (run.key !== undefined && random.chance(0.7)) {
      commands.push({ type: "start_again", atMs: at(), run: run.name, otherBody: random.chance(0.3) });
    }
    if (random.chance(0.15)) {
      const [visit, attempt] = random.pick([
        [1, 2],
        [2, 1],
        [1, 1],
      ]) as [number, number];
      commands.push({ type: "forge", atMs: at(), run: run.name, node: `n${random.between(0, 9)}`, visit, attempt });
    }
  }
  return isCalling(workflows) ? commands.map((command) => aimed(random, command)) : commands;
}

function isCalling(workflows: readonly Workflow[]): boolean {
  return workflows.some(({ nodes }) => nodes.some(({ type }) => type === "workflow"));
}

/** Now and then a command is for a child, or a replay, instead of the run itself. */
function aimed(random: Seeded, command: Command): Command {
  return random.chance(0.35) ? { ...command, of: random.between(1, 5) } : command;
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

function makeReplays(random: Seeded, { name: run }: RunScript, at: () => number, version: number | null): Command[] {
  const count = random.chance(0.3) ? random.between(1, 2) : 0;
  return Array.from({ length: count }, () => ({
    type: "replay_run" as const,
    atMs: at() + random.pick([0, 0, 20_000, 100_000]),
    run,
    mode: random.pick(REPLAY_MODES),
    which: random.between(0, 999),
    fromNode: random.chance(0.75),
    version: version !== null && random.chance(0.6) ? version : null,
    inputs: random.chance(0.1),
    ...(random.chance(0.3) ? { of: random.between(1, 5) } : {}),
  }));
}
