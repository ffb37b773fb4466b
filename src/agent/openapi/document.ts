/** An OpenAPI document (3.0, 3.1) as data from a stranger: references inside it, and its operations. */

import type { HttpMethod } from "#http/prepare.ts";
import { isDeeperThan, isJsonObject, type Json, type JsonObject, ownValue } from "#kernel/json.ts";
import type { Work } from "../work.ts";
import { DOCUMENT_DEPTH_MAX, NAMED_OPERATIONS_MAX, REFERENCE_HOPS_MAX } from "./limits.ts";

/** A document, an operation or parameters that cannot be used; the message is for the model. */
export class OpenApiRefused extends Error {}

export function refuse(message: string): never {
  throw new OpenApiRefused(message);
}

export interface Operation {
  id: string;
  method: HttpMethod;
  path: string;
  item: JsonObject;
  operation: JsonObject;
}

const METHODS: Readonly<Record<string, HttpMethod>> = {
  get: "GET",
  put: "PUT",
  post: "POST",
  delete: "DELETE",
  patch: "PATCH",
  head: "HEAD",
};

/** Work of one path while an operation is looked for. */
const PATH_PRICE = 60;

export class OpenApiDocument {
  readonly root: JsonObject;
  readonly work: Work;

  /** Throws `OpenApiRefused` for what is no OpenAPI 3. */
  constructor(document: Json, work: Work) {
    if (!isJsonObject(document)) refuse("there is no OpenAPI document at openapi_url: it is not a JSON object");
    if (typeof ownValue(document, "swagger") === "string")
      refuse("the document is Swagger 2.0; OpenAPI 3.0 or 3.1 is needed");
    const version = ownValue(document, "openapi");
    if (typeof version !== "string" || !/^3\.[01]\.\d+/.test(version)) {
      refuse(`the document says ${JSON.stringify(version ?? null).slice(0, 40)} for "openapi"; 3.0 or 3.1 is needed`);
    }
    if (isDeeperThan(document, DOCUMENT_DEPTH_MAX))
      refuse(`the document nests deeper than ${DOCUMENT_DEPTH_MAX} levels`);
    this.root = document;
    this.work = work;
  }

  /** The object itself, or what its `$ref` leads to within the document. */
  resolve(value: Json | undefined, what: string): JsonObject {
    let current = value ?? null;
    for (let hops = 0; hops <= REFERENCE_HOPS_MAX; hops++) {
      if (!isJsonObject(current)) refuse(`${what} of the document is not an object`);
      const reference = ownValue(current, "$ref");
      if (reference === undefined) return current;
      current = this.at(reference, what);
    }
    return refuse(`${what} of the document is a reference that leads to too many others`);
  }

  /** What a `$ref` leads to; only within the document. */
  at(reference: Json, what: string): Json {
    if (typeof reference !== "string" || !reference.startsWith("#/")) {
      refuse(`${what} refers to another document, which is not followed: ${JSON.stringify(reference).slice(0, 100)}`);
    }
    let current: Json | undefined = this.root;
    for (const token of reference.slice(2).split("/")) {
      this.work.charge(1);
      const key = decode(token);
      if (Array.isArray(current)) current = /^\d+$/.test(key) ? current[Number(key)] : undefined;
      else current = isJsonObject(current) ? ownValue(current, key) : undefined;
    }
    return current ?? refuse(`${what} refers to nothing: ${reference.slice(0, 100)}`);
  }

  /** By `operationId`, or by `GET /path` where there is none. */
  operation(id: string): Operation {
    const known: string[] = [];
    for (const candidate of this.#operations()) {
      if (candidate.id === id || `${candidate.method} ${candidate.path}` === id) return candidate;
      known.push(candidate.id);
    }
    return refuse(`there is no operation "${id.slice(0, 100)}"; ${this.#named(known, id)}`);
  }

  *#operations(): Generator<Operation> {
    const paths = ownValue(this.root, "paths");
    if (!isJsonObject(paths)) return;
    for (const [path, entry] of Object.entries(paths)) {
      this.work.charge(PATH_PRICE);
      const item = this.resolve(entry, `path ${path.slice(0, 100)}`);
      for (const [name, method] of Object.entries(METHODS)) {
        const operation = ownValue(item, name);
        if (!isJsonObject(operation)) continue;
        const id = ownValue(operation, "operationId");
        yield { id: typeof id === "string" ? id : `${method} ${path}`, method, path, item, operation };
      }
    }
  }

  #named(known: readonly string[], wanted: string): string {
    if (known.length === 0) return "the document has no operations";
    const words = wanted
      .replace(/([a-z])([A-Z])/g, "$1 $2")
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .filter((word) => word.length > 2);
    const near = known.filter((id) => words.some((word) => id.toLowerCase().includes(word.replace(/s$/, ""))));
    const shown = [...new Set([...near, ...known])].slice(0, NAMED_OPERATIONS_MAX).map((id) => id.slice(0, 100));
    return `there are ${shown.join(", ")}${known.length > shown.length ? ` and ${known.length - shown.length} more` : ""}`;
  }
}

/** A token of a JSON Pointer in a URI fragment (RFC 6901, 6). */
function decode(token: string): string {
  let plain = token;
  try {
    plain = decodeURIComponent(token);
  } catch {
    // Not percent-encoded after all.
  }
  return plain.replaceAll("~1", "/").replaceAll("~0", "~");
}
