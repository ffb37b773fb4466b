/** Templates as random graphs use them, read a second time and independently of the engine. */
import { isJsonObject, type Json, ownValue } from "#kernel/json.ts";
import { type Given, gives, refuses } from "./given.ts";

/** What templates may read. */
export interface TemplateReading {
  inputs: Json;
  run: Json;
  /** In an item of a map. */
  item?: Json;
  index?: number;
  /** The output of a node that had completed when this one began; undefined of any other. */
  node(id: string): Json | undefined;
}

const WHOLE = /^\$(inputs|run|nodes|item|index)((?:\.[A-Za-z0-9_-]+)*)$/;
const INSIDE = /\$\{(\$[^}]+)\}/g;

/** A config value with its templates replaced. */
export function render(value: Json, reading: TemplateReading): Given {
  let failed = false;
  const walk = (part: Json): Json => {
    if (typeof part === "string") {
      const rendered = renderText(part, reading);
      if (rendered === undefined) failed = true;
      return rendered ?? null;
    }
    if (Array.isArray(part)) return part.map(walk);
    if (!isJsonObject(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, walk(inner)]));
  };
  const rendered = walk(value);
  return failed ? refuses("template_unresolved") : gives(rendered);
}

/** Undefined: a path leads nowhere. */
function renderText(text: string, reading: TemplateReading): Json | undefined {
  if (WHOLE.test(text)) return resolve(text, reading);
  let failed = false;
  const whole = text.replaceAll(INSIDE, (_, reference: string) => {
    const value = resolve(reference, reading);
    if (value === undefined) failed = true;
    return typeof value === "string" ? value : JSON.stringify(value ?? null);
  });
  return failed ? undefined : whole;
}

function resolve(reference: string, reading: TemplateReading): Json | undefined {
  const match = WHOLE.exec(reference);
  if (match === null) throw new Error(`the model cannot read the template ${reference}`);
  const [, root, path = ""] = match;
  const steps = path.split(".").slice(1);
  let value: Json | undefined;
  if (root === "nodes") {
    value = reading.node(steps.shift() ?? "");
    if (value === undefined) return null;
  } else if (root === "item") value = reading.item;
  else if (root === "index") value = reading.index;
  else value = root === "inputs" ? reading.inputs : reading.run;
  for (const step of steps)
    value = isJsonObject(value ?? null) ? ownValue(value as { [key: string]: Json }, step) : undefined;
  return value;
}
