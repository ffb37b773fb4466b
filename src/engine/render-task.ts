/** The task of an attempt, made from the run's state alone: the same bytes however often it is asked for. */
import { fail, invariant, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import type { JsonObject } from "#kernel/json.ts";
import type { CompiledNode } from "#workflow/graph.ts";
import type { Scope } from "./scope.ts";
import type { RunState } from "./state.ts";
import { type Task, taskId } from "./task.ts";

export function renderTask(
  state: RunState,
  node: CompiledNode,
  scope: Scope,
  attempt: { visit: number; attempt: number },
): Result<Task, NodeError> {
  const { queue } = node.type;
  invariant(queue !== undefined, `task node ${node.id} has a queue`);
  const rendered = node.config.render(scope.templateScope(node.id));
  if (!rendered.ok) return rendered;
  const parsed = node.type.config.safeParse(rendered.value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const place = issue === undefined ? "" : ` at ${issue.path.join(".")}: ${issue.message}`;
    return fail(nodeError("template_unresolved", `config does not fit once rendered${place}`));
  }
  const address = { run_id: state.run_id, path: node.id, ...attempt };
  return ok({
    ...address,
    task_id: taskId(address),
    tenant: state.tenant,
    queue,
    workflow: state.workflow,
    config: withSecrets(node, parsed.data as JsonObject),
    timeout_ms: node.timeoutMs,
  });
}

/**
 * Names the secrets that the author's own text asks for, so that no others are resolved: rendered inputs and outputs
 * may hold what looks like a reference, and they are strangers' text.
 */
function withSecrets(node: CompiledNode, config: JsonObject): JsonObject {
  const written = new Set(node.config.secrets.map((secret) => secret.name));
  const declared = config.secrets;
  const names = Array.isArray(declared) ? declared.filter((name) => written.has(String(name))) : [...written];
  return { ...config, secrets: names };
}
