/** Requests made from the API's own description: fitting ones, fitting ones with a part changed, and hostile ones. */
import type { OpenApi, Operation, Schema } from "./openapi.ts";
import type { Seeded } from "./seeded.ts";

export interface FuzzedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

/** Raw bodies that no serialiser writes. */
const RAW_BODIES = [
  "",
  "null",
  "[]",
  '"text"',
  "NaN",
  "{",
  '{"a":1}}',
  '{"workflow":"\\ud800"}',
  '{"\\udfff":1}',
  '{"workflow":"a","workflow":"b"}',
  '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  '{"inputs":{"n":1e999}}',
  '\ufeff{"workflow":"a"}',
  `${"[".repeat(2_000)}${"]".repeat(2_000)}`,
  "[".repeat(50_000),
  `{"workflow":"${"x".repeat(1_100_000)}"}`,
];

/** Values that have broken parsers, queries and pages elsewhere. */
const HOSTILE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  "",
  " ",
  "x".repeat(5_000),
  "\u0000",
  "\ud800",
  "\u202e\u2066",
  "<script>alert(1)</script>",
  "'; DROP TABLE runs; --",
  "%_\\%00",
  "${$inputs.x}",
  "$nodes.__proto__.x",
  "__proto__",
  "constructor",
  "toString",
  "../../etc/passwd",
  "{{7*7}}",
  [],
  {},
  [[[[[[]]]]]],
  { toString: 1, hasOwnProperty: null, length: -1 },
  JSON.parse('{"__proto__":{"polluted":true}}'),
];

const TAGS = ["fuzz-a", "fuzz-b", "fuzz-c", "nowhere"];

const parallel = (id: string) => ({ id, type: "parallel" });
/** Nobody listens there: a run that calls it waits for its retry. For `WEIR_ALLOW_PRIVATE_HOSTS`. */
export const DEAD_HOST = "127.0.0.1:1";

const DEFINITIONS: readonly unknown[] = [
  {
    nodes: [
      {
        id: "waits",
        type: "http",
        config: { url: `http://${DEAD_HOST}/` },
        retry: { max_attempts: 2, backoff_ms: 3_600_000, jitter: false },
      },
    ],
  },
  { nodes: [parallel("a")] },
  { nodes: [parallel("a"), parallel("b")], edges: [{ from: "a", to: "b", condition: "output.n > 1" }] },
  { nodes: [{ id: "t", type: "transform", config: { expression: "inputs" } }], inputs: { type: "object" } },
  { nodes: [{ id: "f", type: "filter", config: { condition: "item > 1", from: [1, 2, 3] } }] },
  { nodes: [{ id: "h", type: "http", config: { url: "https://10.0.0.1/" } }] },
  { nodes: [{ id: "ask", type: "hitl", config: { message: "?", quorum: 5 } }] },
  { nodes: [{ id: "ask", type: "hitl", config: { message: "?" } }], metadata: { patch_policy: "gated" } },
  { nodes: [{ id: "e", type: "wait_for_event", config: { event: "go" } }] },
  { nodes: [{ id: "g", type: "agent", config: { task: "Say hello", tools: [], cache: { ttl_ms: 60_000 } } }] },
  { nodes: [{ id: "i", type: "function", config: { function_name: "identity", params: { v: "$inputs" } } }] },
];

/** Fitting values for fields whose schema alone does not say what they mean. */
const BY_NAME: Record<string, readonly unknown[]> = {
  tag: TAGS,
  definition: DEFINITIONS,
  expression: ["1 + 1", "output.a", "a[?b > `1`]", "x.map(i, i)", "((((", "'a' + 1", "size(inputs)"],
  template: ["$inputs.a", "Hello ${$inputs.a}", { a: ["$nodes.n", 1] }, "${", "plain"],
  variables: [{}, { inputs: { a: 1 }, nodes: { n: [1] } }, { x: [1, 2] }, { output: { a: "b" } }],
  operations: [
    [],
    [{ op: "add", path: "/a", value: 1 }],
    [{ op: "remove", path: "" }],
    [{ op: "move", from: "/a", path: "/b" }],
    [{ op: "add", path: "/nodes/-", value: { id: "later", type: "delay", config: { duration_ms: 3_600_000 } } }],
    [{ op: "add", path: "/metadata", value: { name: "fuzz" } }],
  ],
  seq: ["1", "2", "3"],
  node: ["h", "ask", "waits", "nowhere"],
  event: ["go", "went"],
  document: [{}, { a: [1] }, null, "x"],
  url: ["https://example.com/", "http://127.0.0.1/", "nothing"],
  from: ["1", "2"],
  to: ["1", "2", 1, 2],
  version: ["1", "2", "99"],
  service: ["d1", "queues", "nowhere"],
  submitted_after: ["2026-01-01T00:00:00Z"],
  submitted_before: ["2999-01-01T00:00:00.000+02:00"],
  idempotency_key: ["fuzz-1", "fuzz-2"],
  "idempotency-key": ["fuzz-1", "fuzz-2"],
  "if-match": ['"1"', "*", '"1", W/"2"'],
  "if-none-match": ["*", '"x"'],
  name: ["overview", "performance", "nowhere"],
  window: ["15m", "1h", "90d", "91d"],
  runs: [[{ workflow: "fuzz-a" }, { definition: DEFINITIONS[0] }, 7]],
};

/** Whose ids stand in a parameter of such a path; elsewhere any that is known. */
const KINDS = [
  ["/api/v1/approvals/{id}", "id", "approval"],
  ["/api/v1/artifacts/{id}", "id", "artifact"],
  ["/api/v1/jobs/{id}", "id", "job"],
  ["/api/v1/approve/{token}", "token", "token"],
  ["/api/v1/cache/{key}", "key", "cached"],
  ["/api/v1/runs/{id}/patches/{seq}/decide", "id", "gated"],
  ["/api/v1/runs/{id}/patches/{seq}", "id", "patched"],
  ["/api/v1/runs/{id}/patches", "id", "waiting"],
  ["/api/v1/runs/{id}/nodes/{node}", "id", "failed"],
  ["/api/v1/tags/{name}/undo", "name", "undoable"],
  ["/api/v1/tags/{name}/redo", "name", "redoable"],
  ["/api/v1/tags/{name}", "name", "tag"],
] as const;

/** Bodies of routes that take text, which is SQL. */
const TEXTS = [
  "SELECT count() AS n, avg(total_ms) AS mean FROM weir_api",
  "SELECT node_type, quantileExactWeighted(0.9)(total_ms, _sample_interval) AS q FROM weir_node GROUP BY node_type",
  "SELECT * FROM weir_run ORDER BY timestamp DESC LIMIT 5",
  "SELECT toStartOfInterval(timestamp, INTERVAL '1' HOUR) AS t, topK(3)(route) AS top FROM weir_api GROUP BY t",
  "SHOW TABLES",
  "SELECT 1 AS one",
];

export class RequestFuzzer {
  readonly #random: Seeded;
  readonly #api: OpenApi;
  /** Ids of things that there are; the test adds what it meets. */
  readonly known = {
    id: [] as string[],
    sha256: [] as string[],
    artifact: [] as string[],
    approval: [] as string[],
    job: [] as string[],
    token: [] as string[],
    cached: [] as string[],
    patched: [] as string[],
    gated: [] as string[],
    failed: [] as string[],
    waiting: [] as string[],
    tag: [...TAGS],
    undoable: [] as string[],
    redoable: [] as string[],
  };

  constructor(random: Seeded, api: OpenApi) {
    this.#random = random;
    this.#api = api;
  }

  request(operation: Operation): FuzzedRequest {
    const isHostile = this.#random.chance(0.4);
    const query = new URLSearchParams();
    const headers: Record<string, string> = {};
    let path = operation.path;
    for (const { name, in: place, required = false, schema = {} } of operation.parameters) {
      if (!required && this.#random.chance(0.5)) continue;
      const value = this.#idIn(operation.path, name, isHostile) ?? this.#value(name, schema, isHostile);
      const text = typeof value === "object" ? JSON.stringify(value) : String(value);
      if (place === "path") path = path.replace(`{${name}}`, segment(text));
      else if (place === "query") query.append(name, text.toWellFormed());
      else headers[name] = headerText(text);
    }
    if (isHostile && this.#random.chance(0.2)) query.append(this.#random.pick(["label.a", "x", "limit"]), "1");
    const text = query.toString();
    return {
      method: operation.method,
      path: text === "" ? path : `${path}?${text}`,
      headers: operation.isText ? { ...headers, "content-type": "text/plain" } : headers,
      body: operation.isText
        ? this.#text(isHostile)
        : operation.body === undefined
          ? undefined
          : this.#body(operation.body, isHostile),
    };
  }

  /** For a path of which it is known whose ids stand there: one of those, when there are any. */
  #idIn(path: string, name: string, isHostile: boolean): string | null {
    const kind = KINDS.find(([prefix, parameter]) => path.startsWith(prefix) && parameter === name)?.[2];
    if (kind === undefined || this.known[kind].length === 0 || (isHostile && this.#random.chance(0.5))) return null;
    return this.#random.pick(this.known[kind]);
  }

  /** A query, or one with a piece taken out, doubled or replaced. */
  #text(isHostile: boolean): string {
    const random = this.#random;
    const text = random.pick(TEXTS);
    if (!isHostile) return text;
    if (random.chance(0.2)) return random.pick(RAW_BODIES);
    const from = random.between(0, text.length);
    const to = random.between(from, Math.min(text.length, from + 12));
    const piece = random.pick(["", text.slice(from, to).repeat(2), JSON.stringify(this.#hostile()) ?? ""]);
    return `${text.slice(0, from)}${piece}${text.slice(to)}`;
  }

  #body(schema: Schema, isHostile: boolean): string | undefined {
    if (isHostile && this.#random.chance(0.25)) return this.#random.pick(RAW_BODIES);
    const value = this.#fitting("", schema, 0);
    const text = JSON.stringify(isHostile ? this.#mutated(value) : value);
    return text === undefined || (isHostile && this.#random.chance(0.05)) ? text?.slice(0, -1) : text;
  }

  #value(name: string, schema: Schema, isHostile: boolean): unknown {
    return isHostile && this.#random.chance(0.5) ? this.#hostile() : this.#fitting(name, schema, 0);
  }

  #hostile(): unknown {
    return this.#random.pick(HOSTILE);
  }

  #fitting(name: string, given: Schema, depth: number): unknown {
    const random = this.#random;
    const schema = this.#api.resolve(given);
    const ids = Object.hasOwn(this.known, name) ? this.known[name as "id"] : [];
    if (ids.length > 0 && random.chance(0.7)) return random.pick(ids);
    if (name === "workflow") return random.pick(schema.type === "string" ? TAGS : DEFINITIONS);
    if (Object.hasOwn(BY_NAME, name)) return random.pick(BY_NAME[name] ?? []);
    if (name === "wait_ms") return random.between(0, 200);
    if (schema.enum !== undefined) return random.pick(schema.enum);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices !== undefined) return this.#fitting(name, random.pick(choices), depth);
    switch ([schema.type].flat()[0]) {
      case "integer":
      case "number":
        return random.between(schema.minimum ?? 0, Math.min(schema.maximum ?? 1_000, 1_000_000));
      case "boolean":
        return random.chance(0.5);
      case "array":
        return Array.from({ length: random.between(schema.minItems ?? 0, 3) }, () =>
          this.#fitting("", schema.items ?? {}, depth + 1),
        );
      case "object":
        return this.#object(schema, depth);
      case "string":
        return "text".repeat(random.between(1, 3));
      default:
        return depth > 3 ? 1 : random.pick([{ a: [1, "x"] }, ...DEFINITIONS]);
    }
  }

  #object(schema: Schema, depth: number): unknown {
    const required = new Set(schema.required ?? []);
    const entries = Object.entries(schema.properties ?? {})
      .filter(([name]) => required.has(name) || this.#random.chance(0.4))
      .map(([name, part]) => [name, this.#fitting(name, part, depth + 1)] as const);
    const { additionalProperties: more } = schema;
    if (typeof more === "object" && this.#random.chance(0.5)) {
      entries.push([this.#random.pick(["a", "b.c", "key"]), this.#fitting("", more, depth + 1)]);
    }
    return Object.fromEntries(entries);
  }

  /** The value with one or two parts replaced, added or taken away, anywhere in it. */
  #mutated(value: unknown): unknown {
    const random = this.#random;
    if (typeof value !== "object" || value === null || random.chance(0.15)) return this.#hostile();
    const copy = structuredClone(value) as Record<string, unknown>;
    const keys = Object.keys(copy);
    if (keys.length === 0 || random.chance(0.2)) {
      const name = random.pick(["__proto__", "constructor", "extra", "", "x".repeat(5_000), "\ud800", "<b>"]);
      Object.defineProperty(copy, name, {
        value: this.#hostile(),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      return copy;
    }
    const key = random.pick(keys);
    if (random.chance(0.15)) delete copy[key];
    else copy[key] = random.chance(0.5) ? this.#hostile() : this.#mutated(copy[key]);
    return copy;
  }
}

/** A path segment as a client may send it: half a surrogate pair too, and never one that changes the path. */
function segment(text: string): string {
  const encoded = text.isWellFormed() ? encodeURIComponent(text) : "%ED%A0%80";
  return encoded === "" || /^\.+$/.test(encoded) ? "%20" : encoded;
}

function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").trim();
}
