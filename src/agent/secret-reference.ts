/**
 * References to secrets in what a model or fetched data supplies. None may reach a request: a secret that is bound to a
 * host could still be published there, in a text that everybody reads.
 */
import type { Json } from "#kernel/json.ts";
import type { Work } from "./work.ts";

const REFERENCE = /\$secrets\.[A-Za-z0-9_-]{0,64}/;

/** The first reference in any key or string; null when there is none. */
export function secretReferenceIn(value: Json, work: Work): string | null {
  work.charge(1);
  if (typeof value === "string") {
    work.chargeText(value.length);
    return REFERENCE.exec(value)?.[0] ?? null;
  }
  if (typeof value !== "object" || value === null) return null;
  const parts: Json[] = Array.isArray(value) ? value : Object.entries(value).flat();
  for (const part of parts) {
    const found = secretReferenceIn(part, work);
    if (found !== null) return found;
  }
  return null;
}
