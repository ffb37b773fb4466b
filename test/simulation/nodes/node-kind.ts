/** What the simulator knows of a node type: how to make one at random, and what it must then give. One file each. */
import type { Json, JsonObject } from "#kernel/json.ts";
import type { NodeDefinition } from "#workflow/definition.ts";
import type { Seeded } from "../../support/seeded.ts";
import type { Reading } from "../scenario/expressions.ts";
import type { Given } from "../scenario/given.ts";

export interface Making {
  random: Seeded;
  /** Nodes from which this one can be reached. */
  ancestors: readonly string[];
  /** Tags and ids of workflows that may be started from here. */
  callable: readonly string[];
}

export interface Executing {
  /** The config with its templates rendered. */
  config: JsonObject;
  input: Json;
  reading: Reading;
}

export interface NodeKind {
  type: string;
  /** How often it is chosen, against the others. */
  weight: number;
  /** So many of them in one workflow, where that has a bound. */
  most?: number;
  kind: "inline" | "task" | "waiting" | "unavailable";
  /** What a waiting node waits for. */
  waits?: "timer" | "event" | "approval" | "child" | "items";
  make(making: Making): Omit<NodeDefinition, "id" | "type">;
  /** What an inline node gives; null: a waiting one has to wait. */
  execute?(executing: Executing): Given | null;
}
