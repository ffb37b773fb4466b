/** `weir cache stats`: how much is remembered, and how often it was used. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { fields } from "../output.ts";
import { count } from "../wording.ts";

export const cacheStats = new Command("stats")
  .description("how much is remembered, and how often it was used")
  .action(async (_options, command) => {
    const { weir, output, signal } = contextOf(command);
    const stats = { entries: 0, bytes: 0, hits: 0 };
    for await (const { bytes, hits } of weir.cache.all({ signal })) {
      stats.entries += 1;
      stats.bytes += bytes;
      stats.hits += hits;
    }
    output.answer(stats, {
      pretty: () => [
        `${stats.entries === 1 ? "1 output" : count(stats.entries, "output")}, ${stats.bytes} bytes, given again ${stats.hits === 1 ? "once" : `${stats.hits} times`}`,
      ],
      compact: () => Object.entries(stats).map(([name, value]) => fields(name, value)),
    });
  });
