/** One session: warms up, repeats every measurement in turn, so that noise falls on all alike, and counts syncs apart. */
import { type Measurement, measure } from "./measurement.ts";
import type { Options } from "./options.ts";
import { countSyncs, type SyncCount } from "./sync-count.ts";
import type { Target } from "./target.ts";
import { type Workload, type WorkloadName, workloadOf } from "./workloads.ts";

/** `health` and `object_call` are what workloads are held against: a trivial route, and one object call that only reads. */
export type Subject = "health" | "object_call" | WorkloadName;

/** Everything once; `alone` is one at a time. */
export type Repetition = Record<"loaded" | "alone", Partial<Record<Subject, Measurement>>>;

export interface Session {
  repetitions: Repetition[];
  /** fsyncs and fdatasyncs a run, of the whole process: commits, projection to D1, queues. */
  syncs: Partial<Record<WorkloadName, Record<"loaded" | "alone", { each: number } | { because: string }>>>;
}

/** Calls before anything counts, of each kind: compiles code, opens connections, fills caches. */
const WARM_UP_SHARE = 1;

/** Syncs are counted over fewer runs: strace stops the process at every call to the system. */
const SYNC_RUNS_MAX = { loaded: 300, alone: 50 };

export async function runSession(
  target: Target,
  server: string,
  options: Options,
  told: (what: string) => void,
): Promise<Session> {
  const workloads = options.workloads.map((name) => workloadOf(name, server));
  const tiny = workloadOf("chain5", server);
  for (const workload of new Set([tiny, ...workloads].map(({ name }) => name))) {
    await target.save(workloadOf(workload, server));
  }
  const finished = await target.run(tiny, 0);
  const subjects: [Subject, (n: number) => Promise<unknown>][] = [
    ["health", () => target.health()],
    ["object_call", () => target.look(finished)],
    ...workloads.map((workload): [Subject, (n: number) => Promise<unknown>] => [
      workload.name,
      (n) => target.run(workload, n),
    ]),
  ];
  const { runs, inFlight } = options;
  told("warm-up");
  for (const [, call] of subjects) {
    await measure(null, { count: runs * WARM_UP_SHARE, inFlight }, async (n) => void (await call(n)));
  }
  const repetitions: Repetition[] = [];
  for (let i = 1; i <= options.repetitions; i++) {
    const repetition: Repetition = { loaded: {}, alone: {} };
    for (const [subject, call] of subjects) {
      told(`repetition ${i} of ${options.repetitions}: ${subject}`);
      const once = async (n: number) => void (await call(n));
      repetition.loaded[subject] = await measure(target.pid, { count: runs, inFlight }, once);
      repetition.alone[subject] = await measure(target.pid, { count: runs, inFlight: 1 }, once);
    }
    repetitions.push(repetition);
  }
  const syncs: Session["syncs"] = {};
  for (const workload of workloads) {
    told(`syncs: ${workload.name}`);
    syncs[workload.name] = {
      loaded: await syncsEach(target, workload, Math.min(runs, SYNC_RUNS_MAX.loaded), inFlight),
      alone: await syncsEach(target, workload, Math.min(runs, SYNC_RUNS_MAX.alone), 1),
    };
  }
  return { repetitions, syncs };
}

async function syncsEach(
  target: Target,
  workload: Workload,
  count: number,
  inFlight: number,
): Promise<{ each: number } | { because: string }> {
  const counted: SyncCount = await countSyncs(target.pid, async () => {
    await measure(null, { count, inFlight }, async (n) => void (await target.run(workload, n)));
  });
  return "syncs" in counted ? { each: counted.syncs / count } : counted;
}
