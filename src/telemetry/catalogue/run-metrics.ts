/** Metrics of runs, their nodes, patches and people's decisions: from the event log, each event counted once. */
import { URL_REFUSALS } from "#http/refusal.ts";
import { AGENT_TOOLS } from "#workflow/node-configs.ts";
import { BATCH_SIZES, FAST_SECONDS, PEOPLE_SECONDS, RUN_SECONDS, WAIT_SECONDS } from "./buckets.ts";
import {
  ACTIVE_STATES,
  errorClass,
  NO_ERROR,
  NODE_END_ZEROS,
  nodeType,
  RUN_ENDS,
  retryReason,
  workflow,
} from "./label-values.ts";
import { closed, counter, EACH, gauge, histogram, UNLISTED } from "./metric.ts";

const owner = "coordinator";

export const runsStarted = counter<["workflow", "trigger"]>("weir_runs_started_total", {
  help: "Runs that were begun.",
  labels: [workflow, closed("trigger", ["api", "agent", "workflow", "replay", UNLISTED])],
  zeros: [[EACH, "api"]],
  owner,
});

export const runsReopened = counter<["workflow"]>("weir_runs_reopened_total", {
  help: "Runs that had ended and go on, because one of their nodes is replayed.",
  labels: [workflow],
  owner,
});

export const runsEnded = counter<["workflow", "state", "error_class"]>("weir_runs_total", {
  help: "Runs that ended, by how; a reopened run ends again.",
  labels: [workflow, closed("state", RUN_ENDS), errorClass],
  zeros: [
    [EACH, "completed", NO_ERROR],
    [EACH, "failed", "internal"],
    [EACH, "cancelled", NO_ERROR],
  ],
  owner,
});

export const runsActive = gauge<["state"]>("weir_runs_active", {
  help: "Runs that have not ended. Together always those started and reopened less those that ended.",
  labels: [closed("state", ACTIVE_STATES)],
  owner,
});

export const runDuration = histogram<["workflow", "state"]>("weir_run_duration_seconds", {
  help: "From the submission of a run to its end.",
  labels: [workflow, closed("state", RUN_ENDS)],
  buckets: RUN_SECONDS,
  owner,
});

export const runStartLatency = histogram("weir_run_start_latency_seconds", {
  help: "From the submission of a run to its start.",
  buckets: WAIT_SECONDS,
  owner,
});

export const nodesEnded = counter<["node_type", "state", "error_class"]>("weir_nodes_total", {
  help: "Node runs that ended, by how; skipped ones and those taken over from another run included.",
  labels: [nodeType, closed("state", ["completed", "failed", "skipped", "cancelled"]), errorClass],
  zeros: NODE_END_ZEROS,
  owner,
});

export const nodeQueueWait = histogram<["node_type"]>("weir_node_queue_wait_seconds", {
  help: "From when an attempt was sent to when it was begun.",
  labels: [nodeType],
  buckets: WAIT_SECONDS,
  owner,
});

export const nodeExecution = histogram<["node_type"]>("weir_node_execution_seconds", {
  help: "From when an attempt was begun to its end.",
  labels: [nodeType],
  buckets: RUN_SECONDS,
  owner,
});

export const nodeDuration = histogram<["node_type"]>("weir_node_duration_seconds", {
  help: "From when an attempt was sent to its end.",
  labels: [nodeType],
  buckets: RUN_SECONDS,
  owner,
});

export const nodeRetries = counter<["node_type", "reason"]>("weir_node_retries_total", {
  help: "Attempts that failed and are made again, by the error; postponed: there was no room to begin.",
  labels: [nodeType, retryReason],
  zeros: [
    ["http", "network"],
    ["http", "timeout"],
    ["http", "http_status"],
    ["agent", "model_error"],
    ["agent", "timeout"],
    ["agent", "postponed"],
  ],
  owner,
});

export const orchestrationOverhead = histogram<["phase"]>("weir_orchestration_overhead_seconds", {
  help: "What Weir itself adds to a task: dispatch, from ready to sent; commit, from the worker's end to the log.",
  labels: [closed("phase", ["dispatch", "commit"])],
  buckets: FAST_SECONDS,
  owner,
});

export const toolCalls = counter<["tool", "outcome"]>("weir_tool_calls_total", {
  help: "Tools that agents called; other: a name that no tool has.",
  labels: [closed("tool", [...AGENT_TOOLS, UNLISTED]), closed("outcome", ["ok", "error"])],
  owner,
});

export const toolDuration = histogram<["tool"]>("weir_tool_call_duration_seconds", {
  help: "How long tools took.",
  labels: [closed("tool", [...AGENT_TOOLS, UNLISTED])],
  buckets: FAST_SECONDS,
  owner,
});

export const httpClientRequests = counter<["code_class"]>("weir_http_client_requests_total", {
  help: "Attempts of HTTP nodes; error: there was no answer.",
  labels: [closed("code_class", ["1xx", "2xx", "3xx", "4xx", "5xx", "error", UNLISTED])],
  owner,
});

export const httpClientDuration = histogram<["code_class"]>("weir_http_client_request_duration_seconds", {
  help: "How long attempts of HTTP nodes took, reading the answer included.",
  labels: [closed("code_class", ["1xx", "2xx", "3xx", "4xx", "5xx", "error", UNLISTED])],
  buckets: FAST_SECONDS,
  owner,
});

export const ssrfBlocked = counter<["reason"]>("weir_ssrf_blocked_total", {
  help: "Requests of HTTP nodes that were not made because a rule of outgoing HTTP forbids them.",
  labels: [closed("reason", [...URL_REFUSALS, UNLISTED])],
  owner,
});

export const patches = counter<["result", "reason"]>("weir_patches_total", {
  help: "Patches by what became of them; a rejected one by policy or by a person's decision.",
  labels: [closed("result", ["applied", "rejected", "reverted"]), closed("reason", ["none", "policy", "decision"])],
  zeros: [
    ["applied", "none"],
    ["rejected", "policy"],
    ["rejected", "decision"],
    ["reverted", "none"],
  ],
  owner,
});

export const patchOperations = histogram("weir_patch_operations", {
  help: "Operations of a proposed patch.",
  buckets: BATCH_SIZES,
  owner,
});

export const hitlRequests = counter("weir_hitl_requests_total", {
  help: "Approvals that were asked for.",
  owner,
});

export const hitlDecisions = counter<["decision"]>("weir_hitl_decisions_total", {
  help: "Approvals that were decided, or that nobody decided in time.",
  labels: [closed("decision", ["approved", "rejected", "expired"])],
  owner,
});

export const hitlWait = histogram("weir_hitl_wait_seconds", {
  help: "From when an approval was asked for to when it was decided.",
  buckets: PEOPLE_SECONDS,
  owner,
});

export const hitlPending = gauge("weir_hitl_pending", {
  help: "Approvals that wait for people now.",
  owner,
});
