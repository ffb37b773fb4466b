/** The task of an attempt, made from the run's state alone: the same bytes however often it is asked for. */
import { invariant, type NodeError, ok, type Result } from "#kernel/errors.ts";
import type { JsonObject } from "#kernel/json.ts";
import type { CompiledNode } from "#workflow/graph.ts";
import { renderConfig } from "./render-config.ts";
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
  const config = renderConfig(node, scope);
  if (!config.ok) return config;
  const address = { run_id: state.run_id, path: node.id, ...attempt };
  return ok({
    ...address,
    task_id: taskId(address),
    tenant: state.tenant,
    queue,
    workflow: state.workflow,
    config: withSecrets(node, config.value),
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
