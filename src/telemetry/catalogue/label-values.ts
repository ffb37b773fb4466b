/** Closed lists of label values; where a list exists already, it is taken from where the fact is decided. */
import { NODE_ERROR_CODES } from "#kernel/errors.ts";
import { NODE_TYPES } from "#workflow/node-types.ts";
import { closed, type Label, open, UNLISTED } from "./metric.ts";

/** No error. */
export const NO_ERROR = "none";

/** A run whose definition was sent along instead of a tag; tags begin with a letter or a digit. */
export const NO_WORKFLOW = "__inline__";

/** A node that its run's graph has no more. */
export const UNKNOWN_NODE_TYPE = UNLISTED;

/** What an attempt that found no room to begin is retried for. */
export const POSTPONED = "postponed";

export const RUN_ENDS = ["completed", "failed", "cancelled"] as const;
export const ACTIVE_STATES = ["queued", "running", "waiting", "paused"] as const;
export const NODE_ENDS = ["completed", "failed", "skipped", "cancelled"] as const;

const NODE_TYPE_NAMES = [...NODE_TYPES.keys(), UNKNOWN_NODE_TYPE];

export const workflow: Label = open("workflow");
export const model: Label = open("model");
export const nodeType: Label = closed("node_type", NODE_TYPE_NAMES);
export const errorClass: Label = closed("error_class", [NO_ERROR, ...NODE_ERROR_CODES, UNLISTED]);
export const retryReason: Label = closed("reason", [...NODE_ERROR_CODES, POSTPONED]);
export const queue: Label = closed("queue", ["weir-http", "weir-agent", "weir-dead"]);
export const objectClass: Label = closed("class", ["coordinator", "limiter"]);

/** Each type of node with each end; what fails is registered without its reasons, which are many. */
export const NODE_END_ZEROS = NODE_TYPE_NAMES.flatMap((type) =>
  NODE_ENDS.map((state) => [type, state, state === "failed" ? "internal" : NO_ERROR]),
);
