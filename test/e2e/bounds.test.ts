/** Every bound of a request, at its edge: what lies on it is taken, one more is refused. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BATCH_RUNS_MAX,
  BODY_BYTES_MAX,
  CURSOR_LENGTH_MAX,
  EVENTS_LIMIT_DEFAULT,
  EVENTS_LIMIT_MAX,
  IDEMPOTENCY_KEY_LENGTH_MAX,
  LABEL_VALUE_LENGTH_MAX,
  LABELS_MAX,
  LIST_LIMIT_DEFAULT,
  LIST_LIMIT_MAX,
  PRIORITY_DEFAULT,
  PRIORITY_MAX,
  REASON_LENGTH_MAX,
  SEARCH_LENGTH_MAX,
  VARIABLES_MAX,
  WAIT_MS_MAX,
  WORKFLOW_NAME_LENGTH_MAX,
} from "#api/limits.ts";
import { JSON_DEPTH_MAX } from "#kernel/json.ts";
import { CONTENT_BYTES_MAX } from "#store/content-address.ts";
import { DESCRIPTION_LENGTH_MAX } from "#workflow/limits.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

let weir: WeirProcess;
let ended: string;

beforeAll(async () => {
  weir = await startWeir();
  ended = (await post("/runs", { definition })).body.run_id;
});

afterAll(async () => {
  await weir.stop();
});

const post = (path: string, body: unknown, headers = {}) => weir.api("POST", `/api/v1${path}`, body, headers);
const get = (path: string) => weir.api("GET", `/api/v1${path}`);
const definition = { nodes: [{ id: "a", type: "parallel" }] };
const text = (length: number) => "x".repeat(length);
const numbered = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));
const start = (more: object, headers = {}) => post("/runs", { definition, ...more }, headers);
const saved = (more: object) => post("/workflows", { workflow: definition, ...more });

type Answer = Promise<{ status: number }>;

describe("bounds of a request", () => {
  test.each<[string, (value: number) => Answer, number, number, number]>([
    ["priority", (priority) => start({ priority }), PRIORITY_MAX, 202, 422],
    ["wait_ms", (wait_ms) => start({ wait_ms }), WAIT_MS_MAX, 200, 422],
    ["labels", (count) => start({ labels: numbered(count) }), LABELS_MAX, 202, 422],
    ["a label's name", (length) => start({ labels: { [text(length)]: "" } }), 64, 202, 422],
    ["a label's value", (length) => start({ labels: { a: text(length) } }), LABEL_VALUE_LENGTH_MAX, 202, 422],
    [
      "label filters",
      (count) =>
        get(
          `/runs?${new URLSearchParams(Object.entries(numbered(count)).map(([key, value]) => [`label.${key}`, value]))}`,
        ),
      LABELS_MAX,
      200,
      422,
    ],
    [
      "idempotency key",
      (length) => start({}, { "Idempotency-Key": text(length) }),
      IDEMPOTENCY_KEY_LENGTH_MAX,
      202,
      422,
    ],
    ["runs of a batch", (count) => post("/runs/batch", Array(count).fill({ definition })), BATCH_RUNS_MAX, 200, 422],
    ["items of a list", (limit) => get(`/runs?limit=${limit}`), LIST_LIMIT_MAX, 200, 422],
    ["events of a page", (limit) => get(`/runs/${ended}/events?limit=${limit}`), EVENTS_LIMIT_MAX, 200, 422],
    ["cursor", (length) => get(`/workflows?cursor=${"e".repeat(length)}`), CURSOR_LENGTH_MAX, 200, 422],
    ["name of a workflow", (length) => post("/runs", { workflow: text(length) }), WORKFLOW_NAME_LENGTH_MAX, 404, 422],
    ["text of a search", (length) => get(`/runs?q=${text(length)}`), SEARCH_LENGTH_MAX, 200, 422],
    // The run has ended: a reason of a fitting length gets as far as that.
    ["reason", (length) => post(`/runs/${ended}/cancel`, { reason: text(length) }), REASON_LENGTH_MAX, 409, 422],
    ["tag", (length) => saved({ tag: text(length) }), 64, 201, 422],
    [
      "description",
      (length) => saved({ tag: "described", description: text(length) }),
      DESCRIPTION_LENGTH_MAX,
      201,
      422,
    ],
    [
      "variables",
      (count) => post("/eval/cel", { expression: "1", variables: numbered(count) }),
      VARIABLES_MAX,
      200,
      422,
    ],
    // {"template":"…"} has 15 characters around the text.
    ["body", (bytes) => post("/eval/template", { template: text(bytes - 15) }), BODY_BYTES_MAX, 200, 413],
    [
      "depth",
      (levels) => post("/eval/template", `{"template":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`),
      JSON_DEPTH_MAX,
      200,
      400,
    ],
  ])("%s", async (_, ask, max, within, beyond) => {
    expect((await ask(max)).status).toBe(within);
    expect((await ask(max + 1)).status).toBe(beyond);
  });

  test("canonical content: a small request can stand for a large document", async () => {
    // Four bytes of `1e20` are 21 digits in canonical JSON.
    const workflow = (count: number) => {
      const list = Array(count).fill("1e20").join(",");
      return `{"nodes":[{"id":"a","type":"function","config":{"function_name":"identity","params":{"list":[${list}]}}}]}`;
    };
    const fitting = Math.floor((CONTENT_BYTES_MAX - 200) / 22);
    const post = (tag: string, count: number) =>
      weir.api("POST", "/api/v1/workflows", `{"tag":"${tag}","workflow":${workflow(count)}}`);
    expect((await post("large", fitting)).status).toBe(201);
    const refused = await post("larger", fitting + 20);
    expect(refused).toMatchObject({ status: 413, body: { error: { code: "payload_too_large" } } });
    expect((await get("/workflows/larger")).status).toBe(404);
  });

  test("what is left out has its default", async () => {
    expect((await get(`/runs/${ended}`)).body.priority).toBe(PRIORITY_DEFAULT);
    const document = (await weir.api("GET", "/openapi.json")).body;
    const limitOf = (path: string) =>
      document.paths[path].get.parameters.find((parameter: { name: string }) => parameter.name === "limit").schema
        .default;
    expect(limitOf("/api/v1/runs")).toBe(LIST_LIMIT_DEFAULT);
    expect(limitOf("/api/v1/runs/{id}/events")).toBe(EVENTS_LIMIT_DEFAULT);
  });
});
