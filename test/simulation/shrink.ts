/**
 * Makes a failing scenario smaller while it still breaks the same check: fewer runs, commands, nodes, edges and faults,
 * and calmer weather. What is left is about what the failure needs.
 */
import { BOUNDS, type Bounds } from "./platform/tuning.ts";
import type { Scenario, Workflow } from "./scenario/scenario.ts";
import { problemsOf } from "./scenario/workflows.ts";
import { simulate, type Verdict } from "./simulation.ts";

/** Scenarios that are tried before what there is has to do. */
const TRIES_MAX = 600;

const CALM = { call: 1, flush: 3, alarm: 0, message: 1, database: 2, batch: 1 };

export async function shrink(scenario: Scenario): Promise<Scenario> {
  const first = await simulate(scenario);
  if (first.violation === null) throw new Error("the scenario does not fail");
  const shrinking = new Shrinking(scenario, first.violation.check);
  await shrinking.run();
  return shrinking.best;
}

class Shrinking {
  best: Scenario;
  readonly #check: string;
  #tries = 0;

  constructor(scenario: Scenario, check: string) {
    this.best = scenario;
    this.#check = check;
  }

  async run(): Promise<void> {
    await this.#dropParts();
    await this.#calmWeather();
    await this.#dropFaultKinds();
    await this.#nameFaults();
    for (let tries = -1; tries !== this.#tries && this.#tries < TRIES_MAX; ) {
      const before = JSON.stringify(this.best).length;
      await this.#dropParts();
      await this.#calmWeather();
      tries = JSON.stringify(this.best).length === before ? this.#tries : -1;
    }
  }

  /** Keeps the candidate when it still fails by the same check. */
  async #accept(candidate: Scenario): Promise<Verdict | null> {
    if (this.#tries >= TRIES_MAX) return null;
    this.#tries += 1;
    const verdict = await simulate(candidate);
    if (verdict.violation?.check !== this.#check) return null;
    this.best = candidate;
    return verdict;
  }

  async #dropParts(): Promise<void> {
    await this.#dropFrom("runs", (runs) => ({
      runs,
      commands: this.best.commands.filter((command) => runs.some((run) => run.name === command.run)),
    }));
    await this.#dropFrom("commands", (commands) => ({ commands }));
    await this.#dropFrom("crashes", (crashes) => ({ crashes }));
    if (this.best.faults !== null) await this.#dropFrom("faults", (faults) => ({ faults }));
    for (let index = 0; index < this.best.workflows.length; index++) await this.#shrinkWorkflow(index);
  }

  /** Leaves out ever smaller parts of a list. */
  async #dropFrom<Key extends "runs" | "commands" | "crashes" | "faults">(
    key: Key,
    put: (items: NonNullable<Scenario[Key]>) => Partial<Scenario>,
  ): Promise<void> {
    type Items = NonNullable<Scenario[Key]>;
    const items = () => this.best[key] as unknown[];
    for (let size = items().length; size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < items().length; ) {
        const rest = items().filter((_, index) => index < from || index >= from + size);
        if (key === "runs" && rest.length === 0) break;
        const smaller = await this.#accept({ ...this.best, ...put(rest as Items) });
        if (smaller === null) from += size;
      }
    }
  }

  async #shrinkWorkflow(index: number): Promise<void> {
    const workflow = () => this.best.workflows[index] ?? { nodes: [], edges: [] };
    for (let size = Math.ceil(workflow().nodes.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < workflow().nodes.length; ) {
        const nodes = workflow().nodes.filter((_, at) => at < from || at >= from + size);
        const ids = new Set(nodes.map((node) => node.id));
        const edges = workflow().edges.filter((edge) => ids.has(edge.from) && ids.has(edge.to));
        if (!(await this.#acceptWorkflow(index, { nodes, edges }))) from += size;
      }
    }
    for (let at = 0; at < workflow().edges.length; ) {
      const edges = workflow().edges.filter((_, other) => other !== at);
      if (!(await this.#acceptWorkflow(index, { ...workflow(), edges }))) at += 1;
    }
  }

  async #acceptWorkflow(index: number, workflow: Workflow): Promise<boolean> {
    if (workflow.nodes.length === 0 || problemsOf(workflow).length > 0) return false;
    const workflows = this.best.workflows.map((other, at) => (at === index ? workflow : other));
    return (await this.#accept({ ...this.best, workflows })) !== null;
  }

  async #calmWeather(): Promise<void> {
    const { best } = this;
    const answers = { retryable: 0, fatal: 0, throws: 0, kills: 0, slow: 0, large: 0 };
    const calmer: Partial<Scenario>[] = [{ delays: CALM }, { answers }, { local: false }];
    if (best.runs.every((run) => run.shard === 0)) calmer.push({ shards: 1 });
    for (const [name, [usual]] of Object.entries(BOUNDS)) calmer.push({ bounds: { [name]: usual } as Bounds });
    for (const change of calmer) {
      const bounds = change.bounds === undefined ? this.best.bounds : { ...this.best.bounds, ...change.bounds };
      const candidate = { ...this.best, ...change, bounds };
      if (JSON.stringify(candidate) !== JSON.stringify(this.best)) await this.#accept(candidate);
    }
  }

  async #dropFaultKinds(): Promise<void> {
    for (const kind of Object.keys(this.best.rates)) {
      const rates = Object.fromEntries(Object.entries(this.best.rates).filter(([other]) => other !== kind));
      await this.#accept({ ...this.best, rates });
    }
  }

  /** From chances to a list of what did go wrong. */
  async #nameFaults(): Promise<void> {
    const { faults } = await simulate(this.best);
    await this.#accept({ ...this.best, faults: [...faults], rates: {} });
  }
}
