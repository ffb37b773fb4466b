/**
 * Children of runs: sees to it that the run a workflow node asked for is there, and that its end has been told. Safe to
 * repeat, and asked for again whenever something may have been lost.
 */
import { childOutcome } from "#engine/child-outcome.ts";
import type { PlanInput, RunRequest } from "#engine/plan.ts";
import { Scope } from "#engine/scope.ts";
import { isTerminal } from "#engine/state.ts";
import type { ChildRequest } from "#engine/waiting/child.ts";
import { type NodeError, nodeError } from "#kernel/errors.ts";
import type { JsonObject } from "#kernel/json.ts";
import type { Logger } from "#telemetry/log.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { checkInputs } from "#workflow/inputs.ts";
import type { Transitions } from "./transitions.ts";

/** A workflow by its tag or artifact id; null when there is none. */
export type FindWorkflow = (
  tenant: string,
  name: string,
) => Promise<{ tag: string | null; artifactId: string; definition: WorkflowDefinition } | null>;

export interface ChildrenParts {
  logger: Logger;
  transitions(): Transitions;
  find: FindWorkflow;
  start(request: RunRequest, definition: JsonObject): Promise<unknown>;
  change(runId: string, input: PlanInput): Promise<unknown>;
}

export class Children {
  readonly #parts: ChildrenParts;
  readonly #underWay = new Set<string>();

  constructor(parts: ChildrenParts) {
    this.#parts = parts;
  }

  ensure(requests: readonly ChildRequest[]): void {
    for (const request of requests) {
      if (this.#underWay.has(request.run_id)) continue;
      this.#underWay.add(request.run_id);
      void this.#ensure(request)
        .catch((error) => {
          // The parent looks after it again in a while.
          this.#parts.logger.warn("a child run could not be seen to", { run_id: request.run_id, error });
        })
        .finally(() => this.#underWay.delete(request.run_id));
    }
  }

  async #ensure(request: ChildRequest): Promise<void> {
    if (await this.#tellEnd(request)) return;
    const { workflow, parent, ...rest } = request;
    const source = await this.#parts.find(request.tenant, workflow);
    if (source === null) {
      await this.#refuse(request, nodeError("child_failed", `there is no workflow "${workflow.slice(0, 200)}"`));
      return;
    }
    const problems =
      source.definition.inputs === undefined ? [] : checkInputs(source.definition.inputs, request.inputs);
    if (problems.length > 0) {
      const [first] = problems;
      const message = `the inputs do not fit the schema of "${workflow}": ${first?.pointer} ${first?.message}`;
      await this.#refuse(request, nodeError("child_failed", message));
      return;
    }
    const run = { ...rest, workflow: source.tag, artifact_id: source.artifactId, trigger: "workflow", parent };
    await this.#parts.start(run, source.definition as unknown as JsonObject);
  }

  /** True when the child is there already; if it has ended, its parent is told. */
  async #tellEnd(request: ChildRequest): Promise<boolean> {
    const transitions = this.#parts.transitions();
    const child = transitions.load(request.run_id);
    if (child === null) return false;
    if (isTerminal(child.state.status)) {
      const graph = transitions.graphOf(child.state);
      const scope = new Scope(child.state, graph, transitions.readStored(request.run_id));
      const { run_id, path, visit } = request.parent;
      const outcome = childOutcome(child.state, graph, scope);
      await this.#parts.change(run_id, { type: "child_ended", path, visit, child: request.run_id, outcome });
    }
    return true;
  }

  async #refuse({ parent, run_id: child }: ChildRequest, error: NodeError): Promise<void> {
    const { run_id, path, visit } = parent;
    await this.#parts.change(run_id, { type: "child_ended", path, visit, child, outcome: { ok: false, error } });
  }
}
