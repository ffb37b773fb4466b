/** What must hold, by the numbers of the engine's pages, and the moment one of them does not. */

export const CHECKS = {
  "1": "a run accepted with 2xx reaches a terminal state or waits for a named thing",
  "2": "exactly one terminal event in a generation, and little after it",
  "3": "the same idempotency key and body give the same run; an effect's key always stands for the same request",
  "4": "at most one accepted result for each attempt, and only one that a worker reported",
  "5": "a node starts only when its edges allow it, and once for each visit",
  "6": "event numbers have no gap or duplicate, and every reader sees the same order",
  "7": "an approval is decided once",
  "8": "a patch is all or nothing and never rewrites history",
  "9": "a replay leaves the outputs of earlier nodes byte-identical",
  "10": "folding the event log gives the stored state",
  "11": "timers never fire early",
  "12": "one poison message fails one node, not its neighbours",
  "13": "caps hold across restarts",
  "14": "started + reopened = completed + failed + cancelled + active",
  "15": "the cost of a transition does not grow with the history",
  rules: "nodes give and route what the engine's pages say",
  effects: "an effect is performed only for what is committed, and everything committed is handed over in time",
  views: "what D1 and answers show is what the log says, and never goes backwards",
  bugs: "nothing throws that no fault made throw",
} as const;
export type Check = keyof typeof CHECKS;

export class Violation extends Error {
  readonly check: Check;

  constructor(check: Check, message: string) {
    super(message);
    this.name = "Violation";
    this.check = check;
  }
}

/** Throws the violation unless the condition holds. */
export function must(condition: boolean, check: Check, message: () => string): asserts condition {
  if (!condition) throw new Violation(check, message());
}
