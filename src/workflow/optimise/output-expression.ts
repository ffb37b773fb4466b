/** The CEL expression that gives a node's output as it is. */
import { compileCel } from "#expression/cel.ts";

/** `nodes.id`, or with the id in brackets where CEL would read it as something else. */
export function outputExpression(id: string): string {
  const plain = `nodes.${id}`;
  const compiled = /^[A-Za-z_]\w*$/.test(id) ? compileCel(plain) : null;
  return compiled?.ok === true && compiled.value.references.nodes.includes(id) ? plain : `nodes["${id}"]`;
}
