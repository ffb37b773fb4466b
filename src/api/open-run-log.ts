/** A run's log as a socket: from its shard while it is there, from its archive later. */
import { readArchive } from "#store/archive.ts";
import { CLOSE_ENDED, type StreamOrder, streamTexts } from "#store/shard/stream.ts";
import type { Services } from "./services.ts";

/** `socket`: from the shard, it goes on as the run does. `texts`: from the archive, that is all. Null: no such run. */
export async function openRunLog(
  { shards, d1 }: Pick<Services, "shards" | "d1">,
  order: StreamOrder,
): Promise<{ socket: WebSocket } | { texts: string[]; isEmpty: boolean } | null> {
  const { tenant, runId, after, format } = order;
  const address = shards.addressOf(runId);
  if (address === null) return null;
  const socket = await shards.stream(address, order);
  if (socket !== null) return { socket };
  const archive = await readArchive(d1, tenant, runId);
  if (archive === null) return null;
  const events = archive.events.filter(({ seq }) => seq > after);
  return { texts: streamTexts(events, format), isEmpty: events.length === 0 };
}

/** The other end of a socket that tells a log which grows no more. */
export function socketOf(texts: readonly string[]): WebSocket {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  for (const text of texts) server.send(text);
  server.close(CLOSE_ENDED, "ended");
  return client;
}
