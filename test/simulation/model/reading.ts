/** What nodes of a run can read, and what comes of it: inputs, rendered configs, values, routes. */
import type { Json, JsonObject } from "#kernel/json.ts";
import { kindOf } from "../nodes/registry.ts";
import type { Reading } from "../scenario/expressions.ts";
import { errorAsOutput, type Given, gives, refuses } from "../scenario/given.ts";
import { render } from "../scenario/templates.ts";
import type { NodeModel } from "./node-model.ts";
import { partIn } from "./part-rules.ts";
import { type Route, routeOf } from "./routing-model.ts";
import type { RunModel } from "./run-model.ts";
import { keptSignalFor } from "./signals.ts";

/** Keys of configs that are expressions: templates in them are left alone. */
const EXPRESSION_KEYS = new Set(["condition", "expression"]);
/** What a task's config is filled up with. */
const DEFAULTS: Record<string, JsonObject> = {
  http: { method: "GET" },
  agent: { max_turns: 8, on_budget: "fail" },
};
/** Runs that runs start: how deep at most; written down a second time. */
export const DEPTH_MAX = 8;
/** What a shadow run may ask of the world for real. */
const SAFE_METHODS: ReadonlySet<unknown> = new Set(["GET", "HEAD"]);

/** Rule 7: the outputs of the completed terminal nodes. */
export function outputsOf(run: RunModel): JsonObject {
  const completed = run.definition.terminals().filter((id) => run.node(id).status === "completed");
  return Object.fromEntries(completed.map((id) => [id, run.node(id).outputBefore() ?? null]));
}

/** What came along the edges: the static shape of a node's input. */
export function inputOf(run: RunModel, node: NodeModel): Json {
  const item = itemOf(run, node.id);
  if (item !== null) return item.item;
  const incoming = run.definition.incoming(node.id);
  if (node.again !== null) return carried(run, node.again);
  if (incoming.length === 0) return run.inputs;
  if (incoming.length === 1) return carried(run, incoming[0]?.from ?? "");
  if (run.definition.node(node.id).join === "any") return carried(run, node.taken[0]?.from ?? "");
  const taken = incoming.filter((edge) => node.taken.includes(edge));
  return Object.fromEntries(taken.map(({ from }) => [from, carried(run, from)]));
}

/** What edges out of a node carry. */
export function carried(run: RunModel, id: string): Json {
  const node = run.node(id);
  if (node.status === "failed" && node.error !== null) return errorAsOutput(node.error, id);
  return node.outputBefore() ?? null;
}

/** What an item of a map knows of itself. */
function itemOf(run: RunModel, path: string): { item: Json; index: number } | null {
  const part = partIn(path);
  const items = part === null ? null : run.node(part.owner).items;
  return items === null ? null : { item: items.list[Number(part?.key)] ?? null, index: Number(part?.key) };
}

/** The pass of the innermost loop around a node. */
export function iterationOf(run: RunModel, id: string): number {
  const [loop] = run.definition.around(id);
  return loop === undefined ? 0 : (run.passes.get(loop.id) ?? 0);
}

/** What expressions at a node may read. */
export function readingAt(run: RunModel, id: string, output: Json): Reading {
  return {
    output,
    inputs: run.inputs,
    iteration: iterationOf(run, partIn(id)?.owner ?? id),
    ...(itemOf(run, id) ?? {}),
    node: (other) => run.node(other).outputBefore() ?? null,
  };
}

/** What the node's config is once its templates are rendered. */
export function renderedConfig(run: RunModel, node: NodeModel): Given {
  const { config: written = {}, type } = run.definitionOf(node.id);
  const isText = (key: string) => EXPRESSION_KEYS.has(key) || (type === "map" && key === "node");
  const expressions = Object.entries(written).filter(([key]) => isText(key));
  const templates = Object.fromEntries(Object.entries(written).filter(([key]) => !isText(key)));
  const owner = partIn(node.id)?.owner;
  const beganSeq = owner === undefined ? node.beganSeq : run.node(owner).beganSeq;
  const rendered = render(templates, {
    inputs: run.inputs,
    run: { id: run.runId },
    node: (id) => run.node(id).outputBefore(beganSeq),
    ...(itemOf(run, node.id) ?? {}),
  });
  if (!rendered.ok || !("value" in rendered)) return rendered;
  const config: JsonObject = { ...(rendered.value as JsonObject), ...Object.fromEntries(expressions) };
  return gives({ ...DEFAULTS[type], ...config });
}

/** What a node must give that begins now and need not wait; null when it has to. */
export function execute(run: RunModel, node: NodeModel): Given | null {
  const { execute: executeKind, kind, waits } = kindOf(run.definitionOf(node.id).type);
  const config = renderedConfig(run, node);
  if (!config.ok || !("value" in config)) return config;
  const rendered = config.value as JsonObject;
  if (kind === "task") return shadowOf(run, node, rendered) ?? refuses("template_unresolved");
  if (waits === "event") {
    const kept = keptSignalFor(run, node, rendered.event ?? null);
    node.signal = kept?.seq ?? null;
    return kept?.given ?? null;
  }
  if (waits === "child" && run.depth >= DEPTH_MAX) return refuses("child_failed");
  if (executeKind === undefined) return kind === "waiting" ? null : refuses("template_unresolved");
  const input = inputOf(run, node);
  return executeKind({ config: rendered, input, reading: readingAt(run, node.id, input) });
}

/** What stands for the answer to a request that a shadow run does not make; null when it makes it. */
export function shadowOf(run: RunModel, node: NodeModel, config: JsonObject): Given | null {
  if (!run.isShadow || run.definitionOf(node.id).type !== "http" || SAFE_METHODS.has(config.method)) return null;
  const { url = "", method = "", payload = null, query = null } = config;
  const made = { url, method, duration_ms: 0, shadow: true, request: { query, payload } };
  return gives({ status_code: 200, headers: {}, body: null, ...made });
}

/** Null: a condition behind the node could not be evaluated. */
export function routeAt(run: RunModel, node: NodeModel, outcome: "success" | "failure", output: Json): Route | null {
  const outgoing = run.definition.outgoing(node.id);
  return routeOf(run.definitionOf(node.id), outgoing, outcome, readingAt(run, node.id, output));
}
