/** `weir cache`: outputs that nodes are given again. */
import { Command } from "@commander-js/extra-typings";
import { cacheInvalidate } from "./cache-invalidate.ts";
import { cacheList } from "./cache-list.ts";
import { cacheStats } from "./cache-stats.ts";

export const cache = new Command("cache")
  .description("outputs that nodes with a cache are given again")
  .addCommand(cacheStats)
  .addCommand(cacheList)
  .addCommand(cacheInvalidate);
