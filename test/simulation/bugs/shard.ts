/** Bugs of the shard and of what it keeps: the log, commits, dispatch, recovery, D1. */
import type { PlantedBug } from "../planted-bugs.ts";

export const SHARD_BUGS: readonly PlantedBug[] = [
  {
    name: "lost-retry",
    file: "src/store/shard/run-log.ts",
    find: "if (!isSame && (dueAt === null || run.dueAt === null || dueAt < run.dueAt)) {",
    put: "if (!isSame && (dueAt === null || run.dueAt === null)) {",
    breaks: ["effects"],
  },
  {
    name: "leaked-dispatch",
    file: "workers/coordinator/dispatcher.ts",
    find: "let through = this.#collected.length === 0 ? lastId : this.#collectedRow - 1;",
    put: "if (lastId > 0) return lastId;\n    let through = lastId;",
    breaks: ["effects"],
  },
  {
    name: "nothing-is-recovered",
    file: "workers/coordinator/recovery.ts",
    find: "this.#suspects = suspects.length > 0 || isNewBoot ? suspects : null;",
    put: "this.#suspects = isNewBoot ? [] : null;",
    breaks: ["effects"],
  },
  {
    name: "effect-before-commit",
    file: "workers/coordinator/transitions.ts",
    find: "    commit.after(() => {\n      dispatcher.send(tasks, rowId);",
    put: "    dispatcher.send(tasks, rowId);\n    commit.after(() => {",
    breaks: ["effects"],
  },
  {
    name: "projection-goes-back",
    file: "src/store/projection.ts",
    find: "WHERE excluded.seq > runs.seq AND",
    put: "WHERE",
    breaks: ["views"],
  },
  {
    name: "forgotten-key",
    file: "workers/coordinator/starts.ts",
    find: "keys.remember(tenant, idempotency.key, record, nowMs);",
    put: "void record;",
    breaks: ["3"],
  },
  {
    name: "stale-snapshot",
    file: "src/store/shard/run-log.ts",
    find: "this.values.store(runId, SNAPSHOT_PATH, 0, text);",
    put: "if (run.snapshotSeq === 0) this.values.store(runId, SNAPSHOT_PATH, 0, text);",
    breaks: ["10", "15", "bugs"],
  },
  {
    // These two were real: the simulator found them.
    name: "recovery-gives-up",
    file: "workers/coordinator/recovery.ts",
    find: "if (failed.length > 0 && this.#tries < TRIES_MAX) {",
    put: "if (failed.length < 0) {",
    breaks: ["effects"],
  },
  {
    name: "one-bad-input-takes-its-neighbours-back",
    file: "workers/coordinator/commit-group.ts",
    find: "if (single) group[0]?.reject(error);\n      return single;",
    put: "for (const piece of group) piece.reject(error);\n      return true;",
    breaks: ["12", "effects"],
  },
  {
    name: "one-bad-input-fails-its-neighbours",
    file: "workers/coordinator.ts",
    find: `change.status === "fulfilled" ? (`,
    put: `settled.every((each) => each.status === "fulfilled") && change.status === "fulfilled" ? (`,
    breaks: ["12"],
  },
];
