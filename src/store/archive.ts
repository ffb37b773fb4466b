/** Runs whose shard has let them go: their whole detail as gzipped JSON in chunk rows of D1. */
import type { RunEvent } from "#engine/events.ts";
import { type RunRow, UPSERT_RUNS } from "./projection.ts";
import type { RunDetails } from "./shard/protocol.ts";

/** A D1 row may hold 2 MB. */
export const ARCHIVE_CHUNK_BYTES = 1_000_000;

export interface RunArchive {
  v: 1;
  details: RunDetails;
  events: RunEvent[];
}

/** Writes the archive and the run's final row, in one transaction; writing it again changes nothing. */
export async function writeArchive(
  database: D1Database,
  tenant: string,
  runId: string,
  archive: RunArchive,
  row: RunRow,
  nowMs: number,
): Promise<void> {
  const stream = new Blob([JSON.stringify(archive)]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const statements = archiveChunks(bytes).map((data, chunk) =>
    database
      .prepare("INSERT OR REPLACE INTO run_archives (run_id, chunk, tenant, data) VALUES (?, ?, ?, ?)")
      .bind(runId, chunk, tenant, data),
  );
  // The row may still show an earlier state, or none; once the shard has let go nobody would bring it up to date.
  statements.push(
    database.prepare(UPSERT_RUNS).bind(JSON.stringify([row])),
    database.prepare("UPDATE runs SET archived_at = ? WHERE run_id = ? AND tenant = ?").bind(nowMs, runId, tenant),
  );
  await database.batch(statements);
}

/** The bytes in pieces that a row can hold, in order. */
export function archiveChunks(bytes: Uint8Array): Uint8Array[] {
  const count = Math.ceil(bytes.length / ARCHIVE_CHUNK_BYTES);
  return Array.from({ length: count }, (_, chunk) =>
    bytes.slice(chunk * ARCHIVE_CHUNK_BYTES, (chunk + 1) * ARCHIVE_CHUNK_BYTES),
  );
}

/** The archive of a run of this tenant; null when there is none. */
export async function readArchive(database: D1Database, tenant: string, runId: string): Promise<RunArchive | null> {
  const { results } = await database
    .prepare("SELECT data FROM run_archives WHERE run_id = ? AND tenant = ? ORDER BY chunk")
    .bind(runId, tenant)
    .all<{ data: number[] }>();
  if (results.length === 0) return null;
  const parts = results.map((row) => new Uint8Array(row.data));
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("gzip"));
  return (await new Response(stream).json()) as RunArchive;
}
