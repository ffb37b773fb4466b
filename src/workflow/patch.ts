/**
 * JSON Patch, strictly by RFC 6902: rfc6902 changes the document, this file decides whether an operation may be done.
 * The library walks inherited members, lets array indexes run past the end and judges a move before its removal.
 */
import { applyPatch as applyWithLibrary } from "rfc6902";
import { fail, ok, type Problem, type Result } from "#kernel/errors.ts";
import {
  isDeeperThan,
  isEqualJson,
  isJsonObject,
  JSON_DEPTH_MAX,
  type Json,
  type JsonObject,
  jsonPointer,
  ownValue,
} from "#kernel/json.ts";
import { PATCH_OPERATIONS_MAX, PATCHED_UNITS_MAX } from "./limits.ts";
import { type Pointer, parsePointer } from "./pointer.ts";

type Operation =
  | { op: "add" | "replace" | "test"; path: Pointer; value: Json }
  | { op: "remove"; path: Pointer }
  | { op: "move" | "copy"; path: Pointer; from: Pointer };

/**
 * The patched document; `document` itself is left as it is. Problems stand at pointers into `operations`: every one of
 * shape at once, else the first operation that cannot be done.
 */
export function applyPatch(document: Json, operations: unknown): Result<Json, Problem[]> {
  const read = readOperations(operations);
  if (!read.ok) return read;
  const patching = new Patching(JSON.parse(JSON.stringify(document)) as Json);
  for (const [index, operation] of read.value.entries()) {
    try {
      patching.perform(operation);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return fail([{ pointer: jsonPointer([index, error.member]), message: error.message }]);
    }
  }
  return ok(patching.document);
}

function readOperations(operations: unknown): Result<Operation[], Problem[]> {
  if (!Array.isArray(operations)) return fail([{ pointer: "", message: "must be a list of operations" }]);
  if (operations.length > PATCH_OPERATIONS_MAX) {
    return fail([{ pointer: "", message: `at most ${PATCH_OPERATIONS_MAX} operations, not ${operations.length}` }]);
  }
  const problems: Problem[] = [];
  const read = operations.flatMap((operation: unknown, index) => readOperation(operation, index, problems) ?? []);
  return problems.length > 0 ? fail(problems) : ok(read);
}

function readOperation(operation: unknown, index: number, problems: Problem[]): Operation | null {
  const refuse = (member: string, message: string) => {
    problems.push({ pointer: jsonPointer(member === "" ? [index] : [index, member]), message });
    return null;
  };
  if (!isJsonObject(operation)) return refuse("", "must be an object");
  const pointerAt = (member: "path" | "from") => {
    const text = ownValue(operation, member);
    if (typeof text !== "string") return refuse(member, text === undefined ? "is required" : "must be text");
    const pointer = parsePointer(text);
    return pointer.ok ? pointer.value : refuse(member, pointer.error);
  };
  const op = ownValue(operation, "op");
  switch (op) {
    case "add":
    case "replace":
    case "test": {
      const path = pointerAt("path");
      const value = ownValue(operation, "value");
      if (value === undefined) return refuse("value", "is required");
      return path === null ? null : { op, path, value };
    }
    case "remove": {
      const path = pointerAt("path");
      return path === null ? null : { op, path };
    }
    case "move":
    case "copy": {
      const path = pointerAt("path");
      const from = pointerAt("from");
      return path === null || from === null ? null : { op, path, from };
    }
    default:
      return refuse("op", op === undefined ? "is required" : "must be add, remove, replace, move, copy or test");
  }
}

/** Why an operation cannot be done; `member` is the member of it that is at fault. */
class Refused extends Error {
  readonly member: "path" | "from" | "value";

  constructor(member: Refused["member"], message: string) {
    super(message);
    this.member = member;
  }
}

class Patching {
  document: Json;
  /** What the document may have grown to, in UTF-16 units of its JSON text: copies of copies double it. */
  #units: number;

  constructor(document: Json) {
    this.document = document;
    this.#units = JSON.stringify(document).length;
  }

  perform(operation: Operation): void {
    const { path } = operation;
    switch (operation.op) {
      case "add":
        this.#add(path, operation.value, "value");
        break;
      case "remove":
        this.#remove(path, "path");
        break;
      case "replace":
        this.#existing(path, "path");
        this.#accept(path, operation.value, "value");
        this.#change("replace", path, operation.value);
        break;
      case "copy":
        this.#add(path, this.#existing(operation.from, "from"), "from");
        break;
      case "move":
        this.#move(operation.from, path);
        break;
      case "test":
        if (!isEqualJson(this.#existing(path, "path"), operation.value)) {
          throw new Refused("value", "the test failed: the document has another value there");
        }
    }
  }

  #add(path: Pointer, value: Json, member: Refused["member"]): void {
    const key = path.tokens.at(-1);
    if (key !== undefined) {
      const parent = this.#existing({ tokens: path.tokens.slice(0, -1) }, "path");
      if (Array.isArray(parent)) {
        if (key !== "-" && !(isIndex(key) && Number(key) <= parent.length)) {
          throw new Refused("path", `"${key.slice(0, 50)}" is no index of a list of ${parent.length}`);
        }
      } else if (!isJsonObject(parent)) throw new Refused("path", "nothing can be added there: it is a single value");
    }
    this.#accept(path, value, member);
    this.#change("add", path, value);
  }

  #remove(path: Pointer, member: Refused["member"]): void {
    if (path.tokens.length === 0) throw new Refused(member, "the whole document cannot be removed");
    this.#existing(path, member);
    this.#change("remove", path);
  }

  /** RFC 6902, 4.4: a removal, then an addition judged on what is left. */
  #move(from: Pointer, path: Pointer): void {
    const value = this.#existing(from, "from");
    const isInto = from.tokens.every((token, position) => token === path.tokens[position]);
    if (isInto && path.tokens.length > from.tokens.length) throw new Refused("path", "it lies inside what is moved");
    if (isInto && path.tokens.length === from.tokens.length) return;
    this.#remove(from, "from");
    this.#add(path, value, "from");
  }

  #existing(pointer: Pointer, member: Refused["member"]): Json {
    let value = this.document;
    for (const [position, token] of pointer.tokens.entries()) {
      const next = stepInto(value, token);
      if (next === undefined) {
        throw new Refused(member, `there is nothing at ${jsonPointer(pointer.tokens.slice(0, position + 1))}`);
      }
      value = next;
    }
    return value;
  }

  /** Bounds what is about to be put into the document, and what the library could not keep as it is. */
  #accept(path: Pointer, value: Json, member: Refused["member"]): void {
    // First of all: what follows recurses into the value.
    if (isDeeperThan(value, JSON_DEPTH_MAX - path.tokens.length)) {
      throw new Refused(member, `the document would nest deeper than ${JSON_DEPTH_MAX} levels`);
    }
    this.#units += JSON.stringify(value).length;
    if (this.#units > PATCHED_UNITS_MAX) {
      throw new Refused(member, `the document grows beyond ${PATCHED_UNITS_MAX} characters`);
    }
    if (holdsProto(value)) throw new Refused(member, 'a member cannot be named "__proto__"');
  }

  #change(op: "add" | "replace" | "remove", { tokens }: Pointer, value: Json = null): void {
    // The root has no parent that the library could change.
    if (tokens.length === 0) {
      this.document = JSON.parse(JSON.stringify(value)) as Json;
      return;
    }
    const path = jsonPointer(tokens);
    const operation = op === "remove" ? { op, path } : { op, path, value };
    const [error] = applyWithLibrary(this.document, [operation]);
    if (error !== null && error !== undefined) throw new Refused("path", error.message);
  }
}

function stepInto(value: Json, token: string): Json | undefined {
  if (Array.isArray(value)) return isIndex(token) ? value[Number(token)] : undefined;
  return isJsonObject(value) ? ownValue(value as JsonObject, token) : undefined;
}

/** RFC 6901, 4: digits without a leading zero. */
function isIndex(token: string): boolean {
  return /^(0|[1-9]\d{0,15})$/.test(token);
}

function holdsProto(value: Json): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.hasOwn(value, "__proto__") || Object.values(value).some(holdsProto);
}
