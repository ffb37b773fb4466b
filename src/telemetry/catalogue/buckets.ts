/** Upper bounds of histograms, in the unit of their metric. They are only ever added as new lists: counts are kept by position. */

/** Requests, calls to objects and databases: 5 ms to 10 s. */
export const FAST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** Runs and nodes: a tenth of a second to a day. */
export const RUN_SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 86_400] as const;

/** Waiting for a turn: 10 ms to five minutes. */
export const WAIT_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const;

/** Calls of models, as OpenTelemetry's conventions for generative models have them. */
export const MODEL_SECONDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
] as const;

/** Waiting for people: a minute to a week. */
export const PEOPLE_SECONDS = [60, 300, 900, 3_600, 14_400, 86_400, 259_200, 604_800] as const;

/** Things that are counted in a batch. */
export const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100] as const;
