/** Compiled graphs of the artifacts that a shard's runs use: from memory, else compiled from the shard's own copy. */
import type { JsonObject } from "#kernel/json.ts";
import { type WorkflowDefinition, workflowSchema } from "#workflow/definition.ts";
import { type CompiledGraph, compileGraph } from "#workflow/graph.ts";

const GRAPHS_MAX = 500;

export class Graphs {
  readonly #sql: SqlStorage;
  readonly #compiled = new Map<string, CompiledGraph>();

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
    return this.#keep(key, compileGraph(workflowSchema.parse(JSON.parse(row.definition))));
  }

  /** Stores a checked definition with the shard; to be called inside a transaction. */
  add(tenant: string, artifactId: string, definition: JsonObject): CompiledGraph {
    const graph = compileGraph(workflowSchema.parse(definition) as WorkflowDefinition);
    this.#sql.exec(
      "INSERT OR IGNORE INTO artifact (tenant, artifact_id, definition) VALUES (?, ?, ?)",
      tenant,
      artifactId,
      JSON.stringify(definition),
    );
    return this.#keep(`${tenant}/${artifactId}`, graph);
  }

  /** A rolled back transaction may have taken the row away again: forget what was compiled. */
  forget(tenant: string, artifactId: string): void {
    this.#compiled.delete(`${tenant}/${artifactId}`);
  }

  #keep(key: string, graph: CompiledGraph): CompiledGraph {
    if (this.#compiled.size >= GRAPHS_MAX) {
      const oldest = this.#compiled.keys().next().value;
      if (oldest !== undefined) this.#compiled.delete(oldest);
    }
    this.#compiled.set(key, graph);
    return graph;
  }
}
