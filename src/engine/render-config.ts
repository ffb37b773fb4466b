/** A node's config with its templates rendered, as its type wants it: judged again, since values have come in. */
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import type { JsonObject } from "#kernel/json.ts";
import type { CompiledNode } from "#workflow/graph.ts";
import type { Scope } from "./scope.ts";

export function renderConfig(node: CompiledNode, scope: Scope): Result<JsonObject, NodeError> {
  const rendered = node.config.render(scope.templateScope(node.id));
  if (!rendered.ok) return rendered;
  const parsed = node.type.config.safeParse(rendered.value);
  if (parsed.success) return ok(parsed.data as JsonObject);
  const issue = parsed.error.issues[0];
  const place = issue === undefined ? "" : ` at ${issue.path.join(".")}: ${issue.message}`;
  return fail(nodeError("template_unresolved", `config does not fit once rendered${place}`));
}
