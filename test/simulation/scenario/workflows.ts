/** The workflows of a scenario: those that runs are started of, those that their nodes start, other versions of them. */
import { checkWorkflow } from "#workflow/check.ts";
import type { NodeDefinition } from "#workflow/definition.ts";
import type { Seeded } from "../../support/seeded.ts";
import { kindOf } from "../nodes/registry.ts";
import { artifactId, tagOf } from "./artifacts.ts";
import { type Calls, NO_CALLS, randomWorkflow } from "./graph.ts";
import type { Workflow } from "./scenario.ts";

export const NODES_MAX = 60;

/** Types that another version may have another config of. */
const CHANGEABLE = new Set(["http", "transform", "filter", "aggregate", "function", "delay", "parallel"]);

export interface Workflows {
  workflows: Workflow[];
  /** Runs are started of the first so many. */
  started: number;
  /** By workflow: the index of another version of it. */
  versions: Map<number, number>;
}

export function makeWorkflows(random: Seeded): Workflows {
  const started = random.chance(0.8) ? 1 : 2;
  const called = random.chance(0.35) ? random.between(1, 2) : 0;
  const names = (from: number) =>
    Array.from({ length: started + called - from }, (_, index) =>
      random.chance(0.2) ? artifactId(from + index) : tagOf(from + index),
    );
  const workflows: Workflow[] = [];
  for (let index = 0; index < started; index++) {
    const size = random.next();
    const [least, most] = size < 0.5 ? [1, 8] : size < 0.87 ? [6, 20] : [20, NODES_MAX];
    const calls: Calls = called === 0 ? NO_CALLS : { names: names(started), most: 2 };
    workflows.push(checked(randomWorkflow(random, random.between(least, most), calls)));
  }
  for (let index = started; index < started + called; index++) {
    // One that starts itself ends at the bound of how deep runs may be.
    const from = random.chance(0.3) ? index : index + 1;
    workflows.push(checked(randomWorkflow(random, random.between(1, 8), { names: names(from), most: 1 })));
  }
  for (const workflow of workflows) if (random.chance(0.15)) workflow.metadata = { patch_policy: "gated" };
  const versions = new Map<number, number>();
  if (random.chance(0.25)) {
    versions.set(0, workflows.length);
    workflows.push(anotherVersion(random, workflows[0] as Workflow));
  }
  return { workflows, started, versions };
}

/** What is wrong with a workflow by the product's own checks; empty when nothing is. */
export function problemsOf(workflow: Workflow): string[] {
  return checkWorkflow(workflow).errors.map(({ pointer, message }) => `${pointer}: ${message}`);
}

function checked(workflow: Workflow): Workflow {
  const problems = problemsOf(workflow);
  if (problems.length > 0) throw new Error(`the generator made a workflow that is wrong: ${problems.join("; ")}`);
  return workflow;
}

/** The same but for the config of a node or two. */
function anotherVersion(random: Seeded, workflow: Workflow): Workflow {
  const changeable = workflow.nodes.filter(({ type }) => CHANGEABLE.has(type)).map(({ id }) => id);
  const changed = new Set(Array.from({ length: random.between(1, 2) }, () => random.pick(changeable)));
  const change = (node: NodeDefinition): NodeDefinition => {
    if (!changed.has(node.id)) return node;
    const { config } = kindOf(node.type).make({ random, ancestors: [], callable: [] });
    return { ...node, ...(config === undefined ? {} : { config }) };
  };
  const version = { ...workflow, nodes: workflow.nodes.map(change) };
  return problemsOf(version).length === 0 ? version : workflow;
}
