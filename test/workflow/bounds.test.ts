/** Every bound of a definition, at its edge: what lies on it is accepted, one more is refused at its place. */
import { describe, expect, test } from "vitest";
import { checkWorkflow } from "#workflow/check.ts";
import {
  ATTEMPTS_MAX,
  BACKOFF_MS_DEFAULT,
  BACKOFF_MS_MAX,
  BACKOFF_MULTIPLIER_DEFAULT,
  BACKOFF_MULTIPLIER_MAX,
  DESCRIPTION_LENGTH_MAX,
  EDGES_MAX,
  HEADERS_MAX,
  LIST_ITEMS_MAX,
  METADATA_TAGS_MAX,
  NAME_LENGTH_MAX,
  NODE_ID_PATTERN,
  NODES_MAX,
  SCHEMA_URL_LENGTH_MAX,
  TAG_PATTERN,
  TIMEOUT_MS_DEFAULT,
  TIMEOUT_MS_MAX,
  URL_LENGTH_MAX,
} from "#workflow/limits.ts";
import { PROBLEMS_MAX } from "#workflow/problems.ts";
import { graphOf, RunDriver } from "../support/run-driver.ts";

const node = (id: string, more: object = {}) => ({ id, type: "parallel", ...more });
const one = (more: object) => ({ nodes: [node("a", more)] });
const http = (config: object) => ({
  nodes: [{ id: "a", type: "http", config: { url: "https://a.example.com/", ...config } }],
});
const metadata = (more: object) => ({ nodes: [node("a")], metadata: more });
const text = (length: number) => "x".repeat(length);
const url = (length: number) => `https://a.example.com/${text(length - 22)}`;
const headers = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, "1"]));
const nodes = (count: number) => ({ nodes: Array.from({ length: count }, (_, index) => node(`n${index}`)) });

/** Edges of a graph without cycles, as many as asked for. */
function edges(count: number) {
  const list: object[] = [];
  for (let to = 1; list.length < count; to++) {
    for (let from = 0; from < to && list.length < count; from++) list.push({ from: `n${from}`, to: `n${to}` });
  }
  return { ...nodes(100), edges: list };
}

describe("bounds of a definition", () => {
  test.each<[string, (value: number) => object, number, string]>([
    ["nodes", nodes, NODES_MAX, "/nodes"],
    ["edges", edges, EDGES_MAX, "/edges"],
    ["node id", (length) => ({ nodes: [node(text(length))] }), 64, "/nodes/0/id"],
    ["attempts", (max_attempts) => one({ retry: { max_attempts } }), ATTEMPTS_MAX, "/nodes/0/retry/max_attempts"],
    ["backoff", (backoff_ms) => one({ retry: { backoff_ms } }), BACKOFF_MS_MAX, "/nodes/0/retry/backoff_ms"],
    [
      "multiplier",
      (backoff_multiplier) => one({ retry: { backoff_multiplier } }),
      BACKOFF_MULTIPLIER_MAX,
      "/nodes/0/retry/backoff_multiplier",
    ],
    ["timeout", (timeout_ms) => one({ timeout_ms }), TIMEOUT_MS_MAX, "/nodes/0/timeout_ms"],
    ["url", (length) => http({ url: url(length) }), URL_LENGTH_MAX, "/nodes/0/config/url"],
    ["headers", (count) => http({ headers: headers(count) }), HEADERS_MAX, "/nodes/0/config/headers"],
    ["name", (length) => metadata({ name: text(length) }), NAME_LENGTH_MAX, "/metadata/name"],
    ["version", (length) => metadata({ version: text(length) }), NAME_LENGTH_MAX, "/metadata/version"],
    [
      "description",
      (length) => metadata({ description: text(length) }),
      DESCRIPTION_LENGTH_MAX,
      "/metadata/description",
    ],
    ["tags", (count) => metadata({ tags: Array(count).fill("x") }), METADATA_TAGS_MAX, "/metadata/tags"],
    ["$schema", (length) => ({ $schema: text(length), ...metadata({}) }), SCHEMA_URL_LENGTH_MAX, "/$schema"],
    ["one tag", (length) => metadata({ tags: [text(length)] }), NAME_LENGTH_MAX, "/metadata/tags/0"],
  ])("%s", (_, definition, max, pointer) => {
    expect(checkWorkflow(definition(max)).errors).toEqual([]);
    expect(checkWorkflow(definition(max + 1)).errors).toEqual([{ pointer, message: expect.any(String) }]);
  });

  test("lower edges: an attempt, no backoff, a multiplier of 1, a millisecond", () => {
    const least = { retry: { max_attempts: 1, backoff_ms: 0, backoff_multiplier: 1 }, timeout_ms: 1 };
    expect(checkWorkflow(one(least)).errors).toEqual([]);
    const below = { retry: { max_attempts: 0, backoff_ms: -1, backoff_multiplier: 0.9 }, timeout_ms: 0 };
    expect(
      checkWorkflow(one(below))
        .errors.map(({ pointer }) => pointer)
        .sort(),
    ).toEqual([
      "/nodes/0/retry/backoff_ms",
      "/nodes/0/retry/backoff_multiplier",
      "/nodes/0/retry/max_attempts",
      "/nodes/0/timeout_ms",
    ]);
  });

  test("problems that are reported of one document", () => {
    const wrong = (count: number) => ({
      nodes: Array.from({ length: count }, (_, index) => ({ id: `n${index}`, type: "?" })),
    });
    expect(checkWorkflow(wrong(PROBLEMS_MAX - 1)).errors).toHaveLength(PROBLEMS_MAX - 1);
    expect(checkWorkflow(wrong(PROBLEMS_MAX + 1)).errors).toHaveLength(PROBLEMS_MAX);
  });

  test("what a node says nothing of has its default", () => {
    expect(graphOf(http({})).nodes.get("a")).toMatchObject({
      timeoutMs: TIMEOUT_MS_DEFAULT,
      retry: { maxAttempts: 3, backoffMs: BACKOFF_MS_DEFAULT, multiplier: BACKOFF_MULTIPLIER_DEFAULT, jitter: true },
    });
  });

  test("names: letters, digits and their few signs", () => {
    for (const name of ["a", "A-1_", text(64)]) expect(name).toMatch(NODE_ID_PATTERN);
    for (const name of ["", "a.b", "ä", "a\n", text(65)]) expect(name).not.toMatch(NODE_ID_PATTERN);
    for (const name of ["a", "9.a_-", text(64)]) expect(name).toMatch(TAG_PATTERN);
    for (const name of ["", ".a", "-a", "a/b", "a\n", text(65)]) expect(name).not.toMatch(TAG_PATTERN);
  });
});

describe("bounds of what a run works on", () => {
  const items = (count: number) => Array.from({ length: count }, (_, index) => index);

  test.each(["filter", "aggregate"])("%s: items of a list", (type) => {
    const config =
      type === "filter"
        ? { condition: "item < 0", from: "$inputs.list" }
        : { operation: "count", from: "$inputs.list" };
    const run = (count: number) => new RunDriver({ nodes: [{ id: "a", type, config }] }, { list: items(count) });
    expect(run(LIST_ITEMS_MAX).status("a")).toBe("completed");
    expect(run(LIST_ITEMS_MAX + 1).state.error).toMatchObject({ code: "expression_limit" });
  });
});
