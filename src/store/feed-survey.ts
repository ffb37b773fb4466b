/** Fanouts asked how they are, side by side and for a bounded time: one that does not answer is named, not left out. */
import { inParallel } from "#kernel/parallel.ts";
import type { FanoutStats } from "./fanout/protocol.ts";
import type { Fanouts } from "./fanouts.ts";
import { answerWithin } from "./object-call.ts";

/** A fanout that takes longer counts as silent. */
export const FANOUT_ANSWER_MS = 2_000;
/** Fanouts that one survey asks, and how many of them side by side. */
export const FANOUTS_ASKED_MAX = 200;
export const FANOUTS_AT_ONCE = 32;

export type FanoutReport = ({ status: "ok" } & FanoutStats) | { status: "down"; tenant: string };

export async function surveyFanouts(fanouts: Fanouts, tenants: readonly string[]): Promise<FanoutReport[]> {
  const reports = new Map<string, FanoutReport>();
  const asked = tenants.slice(0, FANOUTS_ASKED_MAX);
  await inParallel(asked, FANOUTS_AT_ONCE, async (tenant) => {
    const answer = fanouts.call(tenant, (fanout) => fanout.stats());
    const stats = await answerWithin(answer, FANOUT_ANSWER_MS);
    reports.set(tenant, stats === null ? { status: "down", tenant } : { status: "ok", ...stats });
  });
  return asked.flatMap((tenant) => reports.get(tenant) ?? []);
}
