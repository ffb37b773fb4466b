/** What runs on a node's behalf: items of a map, the message by which an approval is escalated. */
import type { NodeError } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { NodeDefinition } from "#workflow/definition.ts";
import { errorAsOutput, gives, refuses } from "../scenario/given.ts";
import type { NodeModel } from "./node-model.ts";
import type { RunModel } from "./run-model.ts";
import { must } from "./violation.ts";

/** The owner and the key of a path such as `n1[3]`; null for a node's own. */
export function partIn(path: string): { owner: string; key: string } | null {
  const match = /^([^[]+)\[([^\]]+)\]$/.exec(path);
  return match === null ? null : { owner: match[1] ?? "", key: match[2] ?? "" };
}

export function definitionOfPart(path: string, owner: NodeDefinition): NodeDefinition {
  if (owner.type !== "map") return { id: path, type: "http" };
  return { ...((owner.config?.node ?? {}) as unknown as NodeDefinition), id: path };
}

/** What somebody is told of an approval that nobody decided, as it was by then; null for any other path. */
export function escalationOf(run: RunModel, path: string, atMs: number): JsonObject | null {
  const owner = run.nodes.get(partIn(path)?.owner ?? "");
  const { approval, config, sinceMs } = owner ?? {};
  if (owner === undefined || approval === null || approval === undefined || config === undefined) return null;
  const { message = "", approvers = [], escalate_to: url = "" } = config;
  const payload: JsonObject = {
    approval_id: approval.id,
    run_id: run.runId,
    workflow: run.workflow,
    message,
    quorum: approval.quorum,
    approvers,
    votes: approval.votes.filter((vote) => Date.parse(vote.at) < atMs).length,
    expires_at: new Date(Number(sinceMs) + Number(config.timeout_ms)).toISOString(),
  };
  return { url, method: "POST", payload };
}

/** May it begin now? Items begin in order, no more at a time than told, and none after one that failed the map. */
export function beginPart(part: NodeModel, owner: NodeModel, visit: number): void {
  const key = partIn(part.id)?.key;
  const what = () => `${part.id} (visit ${visit})`;
  must(owner.status === "waiting" && owner.visit === visit, "5", () => `${what()} begins and nobody waits for it`);
  must(part.status === "pending" && part.visit === 0, "5", () => `${what()} begins though it is ${part.status}`);
  must(owner.expected === null, "5", () => `${what()} begins though it is known what becomes of ${owner.id}`);
  if (owner.wait?.kind === "approval") {
    must(owner.fired === "escalation" || owner.due?.timer === "approval_expiry", "11", () => `${what()} is early`);
    must(key === "escalation" && !owner.escalated, "5", () => `${what()} is escalated twice`);
    owner.escalated = true;
    return;
  }
  const { items } = owner;
  must(owner.wait?.kind === "items" && items !== null, "5", () => `${what()} begins and is no item`);
  must(Number(key) === items.started, "5", () => `${what()} begins after ${items.started} items`);
  must(items.started < items.list.length, "13", () => `${what()} is one too many`);
  must(items.started - items.results.size < owner.wait.concurrency, "13", () => `${what()} is too many at a time`);
  items.started += 1;
}

/** An item has ended; the last one ends the map, and so does the first failure unless they are collected. */
export function endPart(part: NodeModel, owner: NodeModel, at: number, given: { output: Json } | { error: NodeError }) {
  const { items, wait } = owner;
  if (items === null || wait?.kind !== "items" || owner.status !== "waiting") return;
  const index = Number(partIn(part.id)?.key);
  items.results.set(index, "error" in given ? errorAsOutput(given.error, part.id) : given.output);
  owner.decidedAtMs = at;
  if (owner.expected !== null) return;
  if ("error" in given && wait.on_item_error === "fail") owner.expected = refuses("map_failed");
  else if (items.results.size === items.list.length) {
    owner.expected = gives(items.list.map((_, each) => items.results.get(each) ?? null));
  }
}

/** What a map has to work off, as its config says. */
export function itemsOf(config: JsonObject): NodeModel["items"] {
  return { list: Array.isArray(config.items) ? config.items : [], started: 0, results: new Map() };
}
