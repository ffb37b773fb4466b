/** Counts what the event logs of all runs say, in the labels of the metrics: what every counter is held against. */
import { setTimeout as sleep } from "node:timers/promises";
import { inFlight } from "./in-flight.ts";
import type { WeirProcess } from "./weir-process.ts";

export type Counts = Record<string, Record<string, number>>;

/** All runs of the tenant, as the list has them once it has stopped growing. */
export async function allRuns(weir: WeirProcess): Promise<string[]> {
  await sleep(2_500);
  const ids: string[] = [];
  for (let cursor = ""; ; ) {
    const { body } = await weir.api("GET", `/api/v1/runs?limit=200${cursor}`);
    ids.push(...body.items.map((run: { run_id: string }) => run.run_id));
    if (body.next_cursor === null) return ids;
    cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`;
  }
}

export async function countLogs(weir: WeirProcess, ids: readonly string[]): Promise<Counts> {
  const counts: Counts = {};
  const add = (metric: string, labels: readonly string[], by = 1) => {
    counts[metric] ??= {};
    const family = counts[metric];
    const key = labels.join(",");
    family[key] = (family[key] ?? 0) + by;
  };
  await inFlight(ids.length, 10, async (index) => {
    const id = ids[index] ?? "";
    const { body: run } = await weir.api("GET", `/api/v1/runs/${id}/details`);
    const types = new Map<string, string>(
      run.definition.nodes.map((node: { id: string; type: string }) => [node.id, node.type]),
    );
    const workflow = run.workflow ?? "__inline__";
    // biome-ignore lint/suspicious/noExplicitAny: events as the API tells them
    const events: any[] = [];
    for (let after = 0; ; ) {
      const { body } = await weir.api("GET", `/api/v1/runs/${id}/events?after=${after}&limit=1000`);
      events.push(...body.items);
      if (body.items.length === 0) break;
      after = body.next_after;
    }
    for (const event of events) count(event, workflow, types.get(event.node) ?? "other", add);
    if (run.ended_at === null || run.ended_at === undefined) add("weir_runs_active", [run.status]);
  });
  return counts;
}

type Add = (metric: string, labels: readonly string[], by?: number) => void;

// biome-ignore lint/suspicious/noExplicitAny: as above
function count(event: any, workflow: string, nodeType: string, add: Add): void {
  const { type, error, metrics } = event;
  const [what, how] = type.split(".");
  const isPlain = event.reused_from === undefined && event.postponed !== true;
  for (const call of metrics?.calls ?? []) {
    if (call.kind === "tool") add("weir_tool_calls_total", [call.tool, call.error === undefined ? "ok" : "error"]);
  }
  if (type === "run.queued") add("weir_runs_started_total", [workflow, event.trigger]);
  else if (type === "run.started") add("weir_run_start_latency_seconds_count", []);
  else if (type === "run.reopened") add("weir_runs_reopened_total", [workflow]);
  else if (what === "run" && ["completed", "failed", "cancelled"].includes(how)) {
    add("weir_runs_total", [workflow, how, how === "failed" ? error.code : "none"]);
    add("weir_run_duration_seconds_count", [workflow, how]);
  } else if (what === "node" && ["completed", "failed", "skipped", "cancelled"].includes(how)) {
    add("weir_nodes_total", [nodeType, how, how === "failed" ? error.code : "none"]);
  } else if (type === "node.retrying") {
    add("weir_node_retries_total", [nodeType, event.postponed === true ? "postponed" : error.code]);
  } else if (type === "approval.requested") add("weir_hitl_requests_total", []);
  else if (type === "approval.decided") {
    add("weir_hitl_decisions_total", [event.decision === "approve" ? "approved" : "rejected"]);
    add("weir_hitl_wait_seconds_count", []);
  } else if (type === "approval.expired") {
    add("weir_hitl_decisions_total", ["expired"]);
    add("weir_hitl_wait_seconds_count", []);
  } else if (type === "patch.proposed") {
    add("weir_patch_operations_count", []);
    add("weir_patch_operations_sum", [], event.operations.length);
  } else if (type === "patch.applied") add("weir_patches_total", ["applied", "none"]);
  else if (type === "patch.reverted") add("weir_patches_total", ["reverted", "none"]);
  else if (type === "patch.rejected")
    add("weir_patches_total", ["rejected", event.node === undefined ? "decision" : "policy"]);
  if (what !== "node" || !["completed", "failed", "retrying"].includes(how) || !isPlain) return;
  for (const metric of ["queue_wait", "execution", "duration"]) add(`weir_node_${metric}_seconds_count`, [nodeType]);
  if (metrics === undefined) return;
  add("weir_orchestration_overhead_seconds_count", ["commit"]);
  if (nodeType !== "http") return;
  if (error?.code === "url_refused") add("weir_ssrf_blocked_total", [error.details.reason]);
  else {
    const status = event.output?.status_code ?? error?.details?.status;
    add("weir_http_client_requests_total", [status === undefined ? "error" : `${String(status)[0]}xx`]);
  }
}
