/** Operators of two operands: how tightly they bind, and the node that each makes. */
import {
  ARITHMETIC,
  ASSIGNMENTS,
  type AssignmentOperator,
  type BinaryOperator,
  COMPARISONS,
  type Syntax,
} from "./syntax.ts";

/** Operators from the loosest to the tightest; `|` and `,` stand below them. */
export const LEVELS: readonly { operators: readonly string[]; joins: "left" | "right" | "none" }[] = [
  { operators: ["//"], joins: "right" },
  { operators: ASSIGNMENTS, joins: "none" },
  { operators: ["or"], joins: "left" },
  { operators: ["and"], joins: "left" },
  { operators: COMPARISONS, joins: "none" },
  { operators: ["+", "-"], joins: "left" },
  { operators: ["*", "/", "%"], joins: "left" },
];

export function joined(operator: string, left: Syntax, right: Syntax): Syntax {
  if (operator === "and" || operator === "or") return { kind: operator, left, right };
  if (operator === "//") return { kind: "alternative", left, right };
  const assignment = ASSIGNMENTS.find((known) => known === operator);
  if (assignment !== undefined) return { kind: "assign", operator: assignment as AssignmentOperator, left, right };
  const known = [...ARITHMETIC, ...COMPARISONS].find((one) => one === operator);
  return { kind: "binary", operator: known as BinaryOperator, left, right };
}
