/**
 * The column map: what each position of each dataset holds, under which readable name. Append-only, because stored
 * points keep the positions they were written with: a column is never moved, renamed or given another meaning.
 */
import { DATETIME, FLOAT64, type SqlType, STRING, UINT32 } from "./sql-types.ts";

/** Grows by one with each change; every column says since when it is there. */
export const COLUMN_MAP_VERSION = 1;

export const BLOBS = 20;
export const DOUBLES = 20;

export const DATASET_NAMES = ["weir_run", "weir_node", "weir_llm", "weir_http", "weir_api", "weir_queue"] as const;
export type DatasetName = (typeof DATASET_NAMES)[number];

interface Described {
  name: string;
  description: string;
  since: number;
}

export interface Dataset {
  name: DatasetName;
  description: string;
  /** What `index1` holds: what the platform samples by. */
  index: string;
  /** From blob1 on. */
  blobs: readonly Described[];
  /** From double1 on. */
  doubles: readonly Described[];
}

function since(version: number, columns: Readonly<Record<string, string>>): Described[] {
  return Object.entries(columns).map(([name, description]) => ({ name, description, since: version }));
}

const SHARED_BLOBS = since(1, {
  tenant: "whose point it is",
  env: "local or production",
  version: "version of Weir that wrote it",
  outcome: "ok or error; of runs and nodes how they ended; postponed for an attempt that found no room to begin",
  error_type: "error code, empty without an error",
  workflow: "tag of the workflow, or empty for one that was sent along",
  run_id: "the run",
  node_id: "path of the node in the run",
  trace_id: "trace of the run",
  colo: "Cloudflare's place, empty where it is not known",
});

const SHARED_DOUBLES = since(1, {
  total_ms: "from beginning to end, waiting included",
  queue_wait_ms: "of that, waiting",
  execution_ms: "of that, executing",
  attempt: "number of the attempt, from 1",
  bytes_in: "size of what came in",
  bytes_out: "size of what went out",
});

function dataset(
  name: DatasetName,
  description: string,
  index: string,
  blobs: readonly Described[],
  doubles: readonly Described[],
): Dataset {
  return { name, description, index, blobs: [...SHARED_BLOBS, ...blobs], doubles: [...SHARED_DOUBLES, ...doubles] };
}

export const DATASETS: Readonly<Record<DatasetName, Dataset>> = {
  weir_run: dataset(
    "weir_run",
    "one point for each run that ended",
    "tenant|workflow",
    since(1, {
      trigger: "what started it: api, batch, schedule and so on",
      state: "completed, failed or cancelled",
      patched: "1 when its workflow was patched while it ran",
      workflow_version: "artifact that it executed",
    }),
    since(1, {
      nodes: "nodes that were reached",
      nodes_completed: "of them completed",
      nodes_failed: "of them failed",
      nodes_skipped: "of them skipped",
      patches: "patches applied",
      hitl_wait_ms: "waited for people",
      input_tokens: "tokens sent to models",
      output_tokens: "tokens that models answered",
      cost_usd: "cost of models in US dollars; 0 when no price is known",
      retries: "attempts beyond the first of each node",
      events: "events in its log",
      stored_bytes: "bytes of values kept beside the log",
    }),
  ),
  weir_node: dataset(
    "weir_node",
    "one point for each attempt of a node that ended",
    "tenant|workflow",
    since(1, {
      node_type: "type of the node",
      worker_kind: "what executed it: coordinator, http-worker, agent-runner, hitl-worker",
      cache_hit: "1 when a model's prompt cache was hit",
    }),
    since(1, {
      result_bytes: "size of its output",
      tool_calls: "tools that its agent called",
      patches: "patches that its agent applied",
      input_tokens: "tokens sent to models",
      output_tokens: "tokens that models answered",
      cost_usd: "cost of models in US dollars; 0 when no price is known",
    }),
  ),
  weir_llm: dataset(
    "weir_llm",
    "one point for each call of a model",
    "tenant|model",
    since(1, {
      provider: "who answered",
      model: "model that was asked for",
      response_model: "model that answered",
      operation: "chat or another",
      finish_reason: "why the model stopped",
      service_tier: "tier that answered",
      agent: "agent that asked",
      cache_hit: "1 when the prompt cache was hit",
      price_version: "price table behind cost_usd; empty when the model has no price",
    }),
    since(1, {
      input_tokens: "tokens sent, cached ones included",
      cached_tokens: "of them read from the prompt cache",
      cache_write_tokens: "of them written to it",
      output_tokens: "tokens answered, reasoning included",
      reasoning_tokens: "of them reasoning",
      total_tokens: "sent and answered",
      cost_usd: "in US dollars; 0 when the model has no price",
      saved_usd: "what the prompt cache saved",
      tool_calls: "tools that the answer asked for",
      time_to_first_token_ms: "until the first token came",
      http_status: "status of the answer",
    }),
  ),
  weir_http: dataset(
    "weir_http",
    "one point for each request that an HTTP node made",
    "host",
    since(1, { method: "method", host: "host that was called", code_class: "2xx to 5xx, or error without an answer" }),
    since(1, { status: "status of the answer, 0 without one", redirects: "redirects that were followed" }),
  ),
  weir_api: dataset(
    "weir_api",
    "one point for each request to Weir's API",
    "route",
    since(1, {
      method: "method",
      route: "method and path pattern",
      code_class: "2xx to 5xx",
      code: "status",
      auth_kind: "operator, key or none",
      limit_outcome: "allowed or limited",
    }),
    since(1, { d1_ms: "spent in D1", do_ms: "spent in objects", d1_queries: "statements sent to D1" }),
  ),
  weir_queue: dataset(
    "weir_queue",
    "one point for each batch that a queue delivered, and for each message retried or given up",
    "queue",
    since(1, { queue: "queue", action: "ack, retry or dlq", batch_id: "the batch" }),
    since(1, {
      batch_size: "messages of the batch",
      backlog: "messages left in the queue",
      oldest_age_ms: "age of its oldest message",
    }),
  ),
};

export function isDatasetName(name: string): name is DatasetName {
  return (DATASET_NAMES as readonly string[]).includes(name);
}

export interface StoredColumn {
  name: string;
  type: SqlType;
  /** Readable name in a dataset that gives it a meaning. */
  alias: string | null;
  description: string;
}

/** Columns that every table has, in the order of `SELECT *`. */
export function columnsOf({ blobs, doubles, index }: Dataset): StoredColumn[] {
  const numbered = (prefix: string, count: number, type: SqlType, described: readonly Described[]) =>
    Array.from({ length: count }, (_, position) => ({
      name: `${prefix}${position + 1}`,
      type,
      alias: described[position]?.name ?? null,
      description: described[position]?.description ?? "not used",
    }));
  return [
    { name: "dataset", type: STRING, alias: null, description: "name of the dataset" },
    { name: "timestamp", type: DATETIME, alias: null, description: "when it was written, to the second" },
    { name: "_sample_interval", type: UINT32, alias: null, description: "how many points this row stands for" },
    { name: "index1", type: STRING, alias: null, description: index },
    ...numbered("blob", BLOBS, STRING, blobs),
    ...numbered("double", DOUBLES, FLOAT64, doubles),
  ];
}

/** The column that carries the tenant in every dataset. */
export const TENANT_COLUMN = "blob1";

/** Positions of a dataset's columns by readable name: what writers fill points by. */
export function positionsOf({ blobs, doubles }: Dataset): { blobs: Map<string, number>; doubles: Map<string, number> } {
  const positions = (columns: readonly Described[]) => new Map(columns.map(({ name }, position) => [name, position]));
  return { blobs: positions(blobs), doubles: positions(doubles) };
}
