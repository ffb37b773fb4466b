/** Compiled graphs of the artifacts that a shard's runs use: from memory, else compiled from the shard's own copy. */
import type { JsonObject } from "#kernel/json.ts";
import { WeightedCache } from "#kernel/weighted-cache.ts";
import { type WorkflowDefinition, workflowSchema } from "#workflow/definition.ts";
import { type CompiledGraph, compileGraph } from "#workflow/graph.ts";

/** Compiled graphs in memory together, by an estimate: a definition compiles to about sixty times its text. */
const GRAPHS_BYTES_MAX = 24 * 1_048_576;
const BYTES_PER_UNIT = 60;

export class Graphs {
  readonly #sql: SqlStorage;
  readonly #compiled = new WeightedCache<CompiledGraph>(GRAPHS_BYTES_MAX);

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The graph of an artifact; null when the shard has no copy of it. */
  get(tenant: string, artifactId: string): CompiledGraph | null {
    const key = `${tenant}/${artifactId}`;
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const row = this.#sql
      .exec<{ definition: string }>(
        "SELECT definition FROM artifact WHERE tenant = ? AND artifact_id = ?",
        tenant,
        artifactId,
      )
      .toArray()[0];
    if (row === undefined) return null;
    const graph = compileGraph(workflowSchema.parse(JSON.parse(row.definition)));
    this.#compiled.set(key, graph, row.definition.length * BYTES_PER_UNIT);
    return graph;
  }

  /** The graph of a run that has changed its own: compiled anew where memory has it no more. */
  patched(runId: string, applied: readonly number[], make: () => CompiledGraph): CompiledGraph {
    const key = patchedKey(runId, applied);
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const graph = make();
    this.keepPatched(runId, applied, graph);
    return graph;
  }

  keepPatched(runId: string, applied: readonly number[], graph: CompiledGraph): void {
    const units = JSON.stringify(graph.definition).length;
    this.#compiled.set(patchedKey(runId, applied), graph, units * BYTES_PER_UNIT);
  }

  /** Stores a checked definition with the shard; to be called inside a transaction. */
  add(tenant: string, artifactId: string, definition: JsonObject): CompiledGraph {
    const graph = compileGraph(workflowSchema.parse(definition) as WorkflowDefinition);
    const text = JSON.stringify(definition);
    this.#sql.exec(
      "INSERT OR IGNORE INTO artifact (tenant, artifact_id, definition) VALUES (?, ?, ?)",
      tenant,
      artifactId,
      text,
    );
    this.#compiled.set(`${tenant}/${artifactId}`, graph, text.length * BYTES_PER_UNIT);
    return graph;
  }

  /** A rolled back transaction may have taken the row away again: forget what was compiled. */
  forget(tenant: string, artifactId: string): void {
    this.#compiled.delete(`${tenant}/${artifactId}`);
  }

  /** Removes definitions that no run of the shard has any more. */
  removeUnused(): void {
    const removed = this.#sql
      .exec<{ tenant: string; artifact_id: string }>(
        `DELETE FROM artifact WHERE (tenant, artifact_id) NOT IN (SELECT tenant, artifact_id FROM run)
         RETURNING tenant, artifact_id`,
      )
      .toArray();
    for (const row of removed) this.forget(row.tenant, row.artifact_id);
  }
}

/** The patches of a run never change, so those that hold say which graph it is. */
function patchedKey(runId: string, applied: readonly number[]): string {
  return `${runId}@${applied.join(",")}`;
}
