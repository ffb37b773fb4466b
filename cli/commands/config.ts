/** `weir config`: profiles, that is which Weir and which key, in the user's config folder. */
import { Command } from "@commander-js/extra-typings";
import { configList } from "./config-list.ts";
import { configRemove } from "./config-remove.ts";
import { configSet } from "./config-set.ts";
import { configUse } from "./config-use.ts";

export const config = new Command("config")
  .description("profiles: which Weir, with which key")
  .addCommand(configSet)
  .addCommand(configUse)
  .addCommand(configList)
  .addCommand(configRemove);
