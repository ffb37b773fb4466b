/** A dotted path into a value (`body.items.0.name`), by own properties and list indexes only. */
import { isJsonObject, type Json, ownValue } from "#kernel/json.ts";

export function valueAt(value: Json, path: string): Json | undefined {
  let current: Json | undefined = value;
  for (const name of path.split(".")) {
    if (Array.isArray(current)) current = /^\d+$/.test(name) ? current[Number(name)] : undefined;
    else if (isJsonObject(current)) current = ownValue(current, name);
    else return undefined;
  }
  return current;
}
