/** Bugs to be found: each is a change of one place in Weir's source, made as the module is loaded and nowhere else. */
import { CHANGE_BUGS } from "./bugs/changes.ts";
import { FLOW_BUGS } from "./bugs/flow.ts";
import { SHARD_BUGS } from "./bugs/shard.ts";
import type { Check } from "./model/violation.ts";

export interface PlantedBug {
  name: string;
  file: string;
  find: string;
  put: string;
  /** The checks that find it: what it breaks, and what may break first because of it. */
  breaks: readonly Check[];
}

export const PLANTED_BUGS: readonly PlantedBug[] = [...FLOW_BUGS, ...SHARD_BUGS, ...CHANGE_BUGS];
