/** Messages that could not be handled, kept in D1 to look at and to send again. */
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { deadLetters } from "./database-schema.ts";

/** Text of a message kept beyond this is cut; the queue's own bound is 128 KB. */
const BODY_LENGTH_MAX = 130_000;

export interface DeadLetter {
  id: string;
  queue: string;
  tenant: string | null;
  runId: string | null;
  node: string | null;
  attempts: number;
  reason: string;
  body: unknown;
}

/** Keeps the message; keeping it again changes nothing. */
export async function keepDeadLetter(database: DrizzleD1Database, letter: DeadLetter, nowMs: number): Promise<void> {
  const body = (JSON.stringify(letter.body) ?? "null").slice(0, BODY_LENGTH_MAX);
  await database
    .insert(deadLetters)
    .values({ ...letter, body, createdAt: nowMs })
    .onConflictDoNothing();
}
