/** Values of one transition by size: small ones go into the log, large ones beside it, where storage gets them later. */
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import { type Json, utf8Length } from "#kernel/json.ts";
import type { StoredValue } from "./events.ts";
import { OUTPUT_BYTES_MAX, OUTPUT_INLINE_BYTES } from "./limits.ts";
import type { ReadStored } from "./scope.ts";

export interface StoreEffect {
  type: "store";
  path: string;
  visit: number;
  text: string;
}

export interface KeptValue {
  stored: StoredValue;
  /** What must be stored beside the log, if anything. */
  effects: StoreEffect[];
  /** Units of text that the log grows by. */
  logUnits: number;
}

export class TransitionValues {
  /** Bytes put beside the log so far. */
  storedBytes = 0;
  readonly #readStored: ReadStored;
  /** Large values of this transition, which storage does not have yet. */
  readonly #fresh = new Map<string, Json>();

  constructor(readStored: ReadStored) {
    this.#readStored = readStored;
  }

  read(path: string, visit: number): Json {
    const fresh = this.#fresh.get(`${path}/${visit}`);
    return fresh === undefined ? this.#readStored(path, visit) : fresh;
  }

  /** A node run's value as the log keeps it; `output_too_large` above the bound. */
  keep(path: string, visit: number, value: Json): Result<KeptValue, NodeError> {
    const text = JSON.stringify(value);
    // UTF-8 takes at most three bytes a UTF-16 unit: short texts need no counting.
    const bytes = text.length * 3 <= OUTPUT_INLINE_BYTES ? text.length : utf8Length(text);
    if (bytes <= OUTPUT_INLINE_BYTES) return ok({ stored: { value }, effects: [], logUnits: text.length });
    if (bytes > OUTPUT_BYTES_MAX) {
      return fail(nodeError("output_too_large", `the output has ${bytes} bytes; at most ${OUTPUT_BYTES_MAX} are kept`));
    }
    this.#fresh.set(`${path}/${visit}`, value);
    this.storedBytes += bytes;
    return ok({ stored: { stored_bytes: bytes }, effects: [{ type: "store", path, visit, text }], logUnits: 0 });
  }
}
