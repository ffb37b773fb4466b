/** Bounds of the engine. Each has a test at its edge. */

/** Nodes that one transition visits before it persists and goes on in the next turn (rule 8). */
export const VISITS_PER_TRANSITION = 256;

/**
 * Work of all expressions of one node together, and of a transition before it persists and goes on in the next turn;
 * a unit is about a tenth of a microsecond.
 */
export const NODE_WORK_MAX = 4_000_000;
export const TRANSITION_WORK_MAX = 4_000_000;

/** Text that a transition adds to the log, and beside it, before it persists and goes on in the next turn. */
export const TRANSITION_LOG_UNITS_MAX = 500_000;
export const TRANSITION_STORED_BYTES_MAX = 8 * 1_048_576;

/** Outputs up to this many bytes stand in the event log; larger ones in chunk rows beside it. */
export const OUTPUT_INLINE_BYTES = 4_096;
export const OUTPUT_BYTES_MAX = 8 * 1_048_576;

/** Values that one run keeps beside its log, all together. */
export const RUN_STORED_BYTES_MAX = 64 * 1_048_576;

/** Nothing heard of a dispatched task for this long (doubling each time, up to a bound): it is sent again. */
export const DISPATCH_DEADLINE_MS = 15 * 60_000;
export const DISPATCH_DOUBLINGS_MAX = 5;

/** Past `timeout_ms` after an announced start, before the coordinator gives the attempt up. */
export const EXECUTION_GRACE_MS = 10_000;

/** Platform faults (lost worker, reset) that one visit survives without using up attempts. */
export const FAULTS_MAX = 5;

/** Warnings about missing fields that one node leaves. */
export const MISSING_FIELD_WARNINGS_MAX = 10;

/** The far side's `Retry-After` is honoured up to this. */
export const RETRY_AFTER_MS_MAX = 3_600_000;

/** Runs that runs start: how deep at most. */
export const DEPTH_MAX = 8;

/** A child is looked after this long after it was asked for, then after twice the time each, up to the second. */
export const CHILD_LOOK_MS = 30_000;
export const CHILD_LOOK_MS_MAX = 3_600_000;

/** Signals that a run keeps until a node takes them. */
export const SIGNALS_KEPT_MAX = 100;

/** Patches of one run, whatever became of them. */
export const PATCHES_PER_RUN_MAX = 100;

/** How often one run is replayed: its nodes, or it as a whole. */
export const REPLAYS_PER_RUN_MAX = 1_000;

/** Approvals of earlier visits that a run still knows. */
export const PAST_APPROVALS_MAX = 100;

/** What agents may change of their runs. */
export const AGENT_PATCHES_PER_RUN_MAX = 20;
export const AGENT_NODES_PER_PATCH_MAX = 20;
export const AGENTS_PER_RUN_MAX = 5;

/** Patches that come with one result, refused ones included; what is beyond is left out. */
export const PATCHES_PER_RESULT_MAX = 40;

/** Warnings that one result brings, and characters of each that are kept. */
export const WARNINGS_PER_RESULT_MAX = 10;
export const WARNING_LENGTH_MAX = 500;

/** Attempts of one visit that may find no room to begin before they count; the pause after one that asks for none. */
export const POSTPONEMENTS_MAX = 100;
export const POSTPONEMENT_MS_DEFAULT = 1_000;
