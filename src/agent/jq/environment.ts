/**
 * What names mean at a place of a program: variables, functions with the scope of their definition, labels. Scopes are
 * linked lists, so that a closure keeps its own.
 */
import type { Json } from "#kernel/json.ts";
import type { Definition, Syntax } from "./syntax.ts";

export type Scope =
  | { kind: "variable"; name: string; value: Json; outer: Scope }
  /** Known within itself: `scope` of its body is this very entry. */
  | { kind: "function"; key: string; definition: Definition; outer: Scope }
  /** An argument: a filter with the scope of its caller. */
  | { kind: "closure"; key: string; body: Syntax; scope: Scope; outer: Scope }
  | { kind: "label"; name: string; label: Label; outer: Scope }
  | null;

/** One entry into a `label`, which a `break` leaves. */
export class Label {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Thrown by `break` and by what needs no further values; `label` says who catches it. */
export class Break extends Error {
  readonly label: Label;

  constructor(label: Label) {
    super(`break ${label.name}`);
    this.label = label;
  }
}

export function variableOf(scope: Scope, name: string): Json | undefined {
  for (let at = scope; at !== null; at = at.outer) {
    if (at.kind === "variable" && at.name === name) return at.value;
  }
  return undefined;
}

export function labelOf(scope: Scope, name: string): Label | undefined {
  for (let at = scope; at !== null; at = at.outer) {
    if (at.kind === "label" && at.name === name) return at.label;
  }
  return undefined;
}

export function functionOf(scope: Scope, key: string): Extract<Scope, { kind: "function" | "closure" }> | undefined {
  for (let at = scope; at !== null; at = at.outer) {
    if ((at.kind === "function" || at.kind === "closure") && at.key === key) return at;
  }
  return undefined;
}
