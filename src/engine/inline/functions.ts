/** The registry of named pure functions behind the `function` node. */
import { rfc3339 } from "#kernel/clock.ts";
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import { canonicalJson, isDeeperThan, isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import type { FunctionName } from "#workflow/node-configs.ts";
import { describe } from "./aggregate.ts";
import { valueAt } from "./path.ts";

export interface FunctionContext {
  /** `params` once rendered, null when the node has none. */
  params: JsonObject | null;
  input: Json;
  nowMs: number;
  /** A v4 UUID that is the same for every evaluation of this visit. */
  uuid(): string;
}

type PureFunction = (context: FunctionContext) => Result<Json, NodeError>;

const FUNCTIONS: Record<FunctionName, PureFunction> = {
  identity: (context) => ok(context.params ?? context.input),
  parse_input: (context) => {
    const text = subject(context);
    if (typeof text !== "string") return ok(text);
    try {
      const value = JSON.parse(text) as Json;
      return isDeeperThan(value) ? wrong("the text nests too deeply") : ok(value);
    } catch {
      return wrong("the text is not JSON");
    }
  },
  to_json: (context) => ok(JSON.stringify(subject(context))),
  uuid: (context) => ok(context.uuid()),
  now: (context) => ok(rfc3339(context.nowMs)),
  length: (context) => {
    const value = subject(context);
    if (typeof value === "string" || Array.isArray(value)) return ok(value.length);
    return isJsonObject(value) ? ok(Object.keys(value).length) : wrong(`length of ${describe(value)}`);
  },
  keys: (context) => ofObject(context, (object) => Object.keys(object)),
  values: (context) => ofObject(context, (object) => Object.values(object)),
  flatten: (context) => ofList(context, (list) => list.flat(1) as Json[]),
  unique: (context) =>
    ofList(context, (list) => [...new Map(list.map((item) => [canonicalJson(item), item])).values()]),
  sort: (context) => {
    const by = context.params?.by;
    const descending = context.params?.order === "desc";
    const key = (item: Json) => (typeof by === "string" ? valueAt(item, by) : item);
    return ofList(context, (list) => {
      const sorted = list.toSorted((left, right) => compare(key(left), key(right)));
      return descending ? sorted.reverse() : sorted;
    });
  },
  slice: (context) => {
    const { start, end } = context.params ?? {};
    return ofList(context, (list) =>
      list.slice(typeof start === "number" ? start : 0, typeof end === "number" ? end : undefined),
    );
  },
};

export function callFunction(name: FunctionName, context: FunctionContext): Result<Json, NodeError> {
  return FUNCTIONS[name](context);
}

/** What a function works on: `params.value` when given, else the node's input. */
function subject(context: FunctionContext): Json {
  return context.params?.value ?? context.input;
}

function ofList(context: FunctionContext, run: (list: Json[]) => Json): Result<Json, NodeError> {
  const value = subject(context);
  return Array.isArray(value) ? ok(run(value)) : wrong(`needs a list, not ${describe(value)}`);
}

function ofObject(context: FunctionContext, run: (object: JsonObject) => Json): Result<Json, NodeError> {
  const value = subject(context);
  return isJsonObject(value) ? ok(run(value)) : wrong(`needs an object, not ${describe(value)}`);
}

function wrong(message: string): Result<Json, NodeError> {
  return fail(nodeError("expression_failed", message));
}

/** Numbers before strings before everything else; missing values last. */
function compare(left: Json | undefined, right: Json | undefined): number {
  const rank = (value: Json | undefined) =>
    typeof value === "number" ? 0 : typeof value === "string" ? 1 : value === undefined || value === null ? 3 : 2;
  if (rank(left) !== rank(right)) return rank(left) - rank(right);
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") return left < right ? -1 : left > right ? 1 : 0;
  return 0;
}
