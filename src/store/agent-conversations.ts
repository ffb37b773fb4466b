/** Conversations of agents that had to stop in the middle, in D1 until they have ended or are too old to be missed. */
import { and, eq, lt } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { KeptConversations } from "#agent/agent-ports.ts";
import { idempotencyKey } from "#engine/task.ts";
import { agentConversations } from "./agent-tables.ts";

/** No attempt follows another after so long. */
export const CONVERSATION_KEPT_MS = 7 * 24 * 3_600_000;

export function keptConversations(database: DrizzleD1Database): KeptConversations {
  const isOf = ({ tenant, runId, node, visit }: { tenant: string; runId: string; node: string; visit: number }) =>
    and(eq(agentConversations.id, idOf(runId, node, visit)), eq(agentConversations.tenant, tenant));
  return {
    async load(task) {
      const row = await database.select().from(agentConversations).where(isOf(task)).get();
      return row?.text ?? null;
    },
    async keep(task, text) {
      const { tenant, runId, node, visit } = task;
      const keptAt = Date.now();
      await database
        .insert(agentConversations)
        .values({ id: idOf(runId, node, visit), tenant, text, keptAt })
        .onConflictDoUpdate({ target: agentConversations.id, set: { text, keptAt } });
    },
    async drop(task) {
      await database.delete(agentConversations).where(isOf(task));
    },
  };
}

export async function forgetOldConversations(database: DrizzleD1Database, nowMs: number): Promise<void> {
  await database.delete(agentConversations).where(lt(agentConversations.keptAt, nowMs - CONVERSATION_KEPT_MS));
}

function idOf(runId: string, path: string, visit: number): string {
  return idempotencyKey({ run_id: runId, path, visit, attempt: 1 });
}
