/** Archives: cut into rows that D1 can hold, and put together again. */
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { ARCHIVE_CHUNK_BYTES, archiveChunks, type RunArchive, readArchive, writeArchive } from "#store/archive.ts";
import type { RunRow } from "#store/projection.ts";
import { TENANT } from "./support.ts";

test.each([
  [0, []],
  [1, [1]],
  [ARCHIVE_CHUNK_BYTES, [ARCHIVE_CHUNK_BYTES]],
  [ARCHIVE_CHUNK_BYTES + 1, [ARCHIVE_CHUNK_BYTES, 1]],
  [2 * ARCHIVE_CHUNK_BYTES, Array(2).fill(ARCHIVE_CHUNK_BYTES)],
])("%i bytes are cut into pieces of %j", (length, sizes) => {
  const bytes = new Uint8Array(length).map((_, index) => index % 251);
  const chunks = archiveChunks(bytes);
  expect(chunks.map((chunk) => chunk.length)).toEqual(sizes);
  const joined = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  // Compared as text: a matcher would look at each number.
  expect(new TextDecoder("latin1").decode(joined) === new TextDecoder("latin1").decode(bytes)).toBe(true);
});

/** Text that gzip makes little of. */
function noise(bytes: number): string {
  let text = "";
  for (let at = 0; at < bytes; at += 30_000) {
    text += btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(30_000))));
  }
  return text;
}

test("an archive of several rows is read as it was written, by its tenant alone", async () => {
  const runId = "run_xx0000000000000000000000ARCH";
  const archive = { v: 1, details: { text: noise(2.5 * ARCHIVE_CHUNK_BYTES) }, events: [] } as unknown as RunArchive;
  const row: RunRow = {
    run_id: runId,
    tenant: TENANT,
    seq: 1,
    status: "completed",
    generation: 1,
    workflow: null,
    artifact_id: "sha256:test",
    trigger: "test",
    labels: "{}",
    priority: 3,
    error_code: null,
    error_message: null,
    submitted_at: 1,
    started_at: 1,
    ended_at: 1,
    duration_ms: 0,
    outputs: null,
  };
  for (let time = 0; time < 2; time++) {
    await writeArchive(env.DB, TENANT, runId, archive, row, 1);
    const { results } = await env.DB.prepare(
      "SELECT length(data) AS n FROM run_archives WHERE run_id = ? ORDER BY chunk",
    )
      .bind(runId)
      .all<{ n: number }>();
    expect(results).toHaveLength(3);
    expect(results.slice(0, 2).map(({ n }) => n)).toEqual([ARCHIVE_CHUNK_BYTES, ARCHIVE_CHUNK_BYTES]);
  }
  expect(await readArchive(env.DB, TENANT, runId)).toEqual(archive);
  expect(await readArchive(env.DB, "elsewhere", runId)).toBeNull();
});
