/** What people and programs may ask of a run, and how it is refused. A refused command has changed nothing. */
import type { ApiErrorCode } from "#kernel/errors.ts";
import { fail, ok, type Result } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { DecisionName, ReplayMode } from "../events.ts";

export type RunCommand =
  | { type: "cancel"; reason?: string }
  | { type: "pause"; reason?: string }
  | { type: "resume" }
  | { type: "signal"; name: string; payload: Json }
  | {
      type: "decide";
      approval_id: string;
      /** Votes once on an approval, by whichever way. */
      voter: string;
      decision: DecisionName;
      comments: string | null;
      /** The signed link that the vote comes by; serves once. */
      link?: string;
    }
  | {
      type: "patch";
      operations: Json[];
      description: string | null;
      by: string;
      dry_run: boolean;
      /** The number of the patch that the author knows as the last; null: whichever it is. */
      if_match: number | null;
    }
  | { type: "revert_patch"; seq: number; by: string; if_match: number | null }
  | { type: "decide_patch"; seq: number; decision: DecisionName; comments: string | null; by: string }
  | {
      type: "replay_node";
      node: string;
      config?: JsonObject;
      reason: string | null;
      force: boolean;
      by: string;
    }
  /** A run was started that replays this one. */
  | { type: "replayed_as"; run_id: string; mode: ReplayMode; from: string | null; by: string };

export interface Refusal {
  code: ApiErrorCode;
  message: string;
  details?: Json;
}

/** What a command gives back, or why it is refused. */
export type Decided = Result<Json, Refusal>;

export const DONE: Decided = ok(null);

export function refuse(code: ApiErrorCode, message: string, details?: Json): { ok: false; error: Refusal } {
  return fail({ code, message, ...(details === undefined ? {} : { details }) });
}
