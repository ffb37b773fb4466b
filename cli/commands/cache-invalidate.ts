/** `weir cache invalidate`: forgets a remembered output. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";

export const cacheInvalidate = new Command("invalidate")
  .description("forget an output: the next node of its kind makes it anew")
  .argument("<key>", 'as "weir cache list" shows it')
  .action(async (key, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    await weir.cache.invalidate(key, { signal });
    output.note(`forgot ${key}`);
  });
