/** Bugs to be found: each is a change of one place in Weir's source, made as the module is loaded and nowhere else. */
import type { Check } from "./model/violation.ts";

export interface PlantedBug {
  name: string;
  file: string;
  find: string;
  put: string;
  /** What it breaks, by the checks that may find it first. */
  breaks: readonly Check[];
}

export const PLANTED_BUGS: readonly PlantedBug[] = [];
