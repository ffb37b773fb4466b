/** `weir keys`: API keys of the tenant. */
import { Command } from "@commander-js/extra-typings";
import { keysCreate } from "./keys-create.ts";
import { keysDelete } from "./keys-delete.ts";
import { keysList } from "./keys-list.ts";

export const keys = new Command("keys")
  .description("API keys of the tenant")
  .addCommand(keysList)
  .addCommand(keysCreate)
  .addCommand(keysDelete);
