/** What nodes make of signals, those that come and those that were kept. */
import type { Json } from "#kernel/json.ts";
import { type Reading, read } from "../scenario/expressions.ts";
import { type Given, gives, refuses } from "../scenario/given.ts";
import type { NodeModel } from "./node-model.ts";

/** What is to be known of a run for that. */
export interface SignalReading {
  readonly signals: readonly { seq: number; name: string; payload: Json }[];
  definitionOf(path: string): { config?: { match?: Json } | undefined };
  reading(path: string, output: Json): Reading;
}

/** What a node makes of a signal of its name; null when it goes on waiting. */
export function takes(run: SignalReading, node: NodeModel, payload: Json): Given | null {
  const { match } = run.definitionOf(node.id).config ?? {};
  if (typeof match !== "string") return gives(payload);
  const held = read(match, run.reading(node.id, payload));
  if (held === "missing") return null;
  if (!held.ok || !("value" in held)) return held;
  if (typeof held.value !== "boolean") return refuses("expression_failed");
  return held.value ? gives(payload) : null;
}

/** The kept signal that a node takes as it begins, the oldest first. */
export function keptSignalFor(run: SignalReading, node: NodeModel, event: Json): { seq: number; given: Given } | null {
  for (const { seq, name, payload } of run.signals) {
    const given = name === event ? takes(run, node, payload) : null;
    if (given !== null) return { seq, given };
  }
  return null;
}
