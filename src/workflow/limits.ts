/** Bounds of a workflow definition. Each has a test at its edge. */

export const NODES_MAX = 1_000;
export const EDGES_MAX = 4_000;
export const NODE_ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;
export const TAG_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const ATTEMPTS_MAX = 10;
export const BACKOFF_MS_DEFAULT = 1_000;
export const BACKOFF_MS_MAX = 3_600_000;
export const BACKOFF_MULTIPLIER_DEFAULT = 2;
export const BACKOFF_MULTIPLIER_MAX = 10;

/** A consumer invocation may last 15 minutes; a task keeps one of them for reporting. */
export const TIMEOUT_MS_MAX = 840_000;
export const TIMEOUT_MS_DEFAULT = 30_000;

/** Longest time that a node's output may be remembered (`cache`): 30 days. */
export const CACHE_TTL_MS_MAX = 2_592_000_000;

export const URL_LENGTH_MAX = 8_192;
export const HEADERS_MAX = 64;
export const DESCRIPTION_LENGTH_MAX = 1_000;
export const NAME_LENGTH_MAX = 200;
export const SCHEMA_URL_LENGTH_MAX = 2_048;
export const METADATA_TAGS_MAX = 32;

/** Passes of one loop; loops around one node. */
export const ITERATIONS_MAX = 1_000_000;
export const LOOP_NESTING_MAX = 8;

/** Longest that a node waits for its time, an event or a decision: a year. */
export const WAIT_MS_MAX = 366 * 86_400_000;
export const APPROVAL_TIMEOUT_MS_DEFAULT = 86_400_000;
export const APPROVAL_MESSAGE_LENGTH_MAX = 4_000;
export const APPROVERS_MAX = 100;
/** Names of events that a run can be told of by `POST /runs/{id}/signals/{event}`. */
export const EVENT_NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Turns of an agent with its model, and characters of what it is asked to do. */
export const AGENT_TURNS_DEFAULT = 8;
export const AGENT_TURNS_MAX = 50;
export const AGENT_TASK_LENGTH_MAX = 100_000;

export const MAP_ITEMS_MAX = 10_000;
export const MAP_CONCURRENCY_MAX = 100;
export const MAP_CONCURRENCY_DEFAULT = 10;

/** Of a tag or an artifact id. */
export const WORKFLOW_NAME_LENGTH_MAX = 200;

/** Items that one `filter` or `aggregate` node looks at. */
export const LIST_ITEMS_MAX = 10_000;

export const PATCH_OPERATIONS_MAX = 100;
/** What a document may grow to while it is patched, in characters of its JSON text and of all that is put into it. */
export const PATCHED_UNITS_MAX = 4 * 1_048_576;
export const POINTER_LENGTH_MAX = 4_096;
