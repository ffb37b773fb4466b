/**
 * What an expression may answer with: finite JSON of bounded size and depth. Results share subtrees (a doubled list
 * is two references), so each distinct subtree is measured once and counted as often as it appears.
 */
import { fail, type NodeError, type NodeErrorCode, nodeError, ok, type Result } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { EXPRESSION_RESULT_MAX, JSON_DEPTH_MAX } from "./limits.ts";

/**
 * The value as JSON of at most `sizeMax` characters of text. Errors: `number_range` (NaN, Infinity),
 * `output_too_large`, `expression_limit` (too deep), `expression_failed` (not JSON).
 */
export function jsonResult(value: unknown, sizeMax: number = EXPRESSION_RESULT_MAX): Result<Json, NodeError> {
  try {
    new Measurement(sizeMax).measure(value, 0);
    return ok(value as Json);
  } catch (error) {
    if (error instanceof Refused) return fail(error.reason);
    throw error;
  }
}

interface Extent {
  size: number;
  depth: number;
}

class Refused extends Error {
  readonly reason: NodeError;

  constructor(code: NodeErrorCode, message: string) {
    super(message);
    this.reason = nodeError(code, message);
  }
}

class Measurement {
  readonly #sizeMax: number;
  readonly #measured = new Map<object, Extent>();

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  measure(value: unknown, level: number): Extent {
    switch (typeof value) {
      case "string":
        return this.#accept({ size: value.length + 2, depth: 0 }, level);
      case "boolean":
        return { size: value ? 4 : 5, depth: 0 };
      case "number":
        if (!Number.isFinite(value)) throw new Refused("number_range", `the result holds ${value}`);
        return { size: String(value).length, depth: 0 };
      case "object":
        if (value === null) return { size: 4, depth: 0 };
        return this.#accept(this.#measured.get(value) ?? this.#container(value, level), level);
      default:
        throw new Refused("expression_failed", `the result holds a value that is not JSON (${typeof value})`);
    }
  }

  #container(container: object, level: number): Extent {
    if (level >= JSON_DEPTH_MAX) throw tooDeep();
    const extent: Extent = { size: 2, depth: 1 };
    const children = Array.isArray(container) ? container : Object.entries(container);
    for (const child of children) {
      const isElement = children === container;
      const inner = this.measure(isElement ? child : child[1], level + 1);
      extent.size += inner.size + (isElement ? 1 : child[0].length + 4);
      extent.depth = Math.max(extent.depth, inner.depth + 1);
      this.#accept(extent, level);
    }
    this.#measured.set(container, extent);
    return extent;
  }

  #accept(extent: Extent, level: number): Extent {
    if (extent.size > this.#sizeMax) {
      throw new Refused("output_too_large", `the result is larger than ${this.#sizeMax} characters`);
    }
    if (level + extent.depth > JSON_DEPTH_MAX) throw tooDeep();
    return extent;
  }
}

function tooDeep(): Refused {
  return new Refused("expression_limit", `the result nests deeper than ${JSON_DEPTH_MAX} levels`);
}
