/** `weir keys delete`: revokes a key. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";

export const keysDelete = new Command("delete")
  .description("revoke a key, within 60 s everywhere")
  .argument("<key_id>", 'as "weir keys list" shows it')
  .action(async (id, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    await weir.keys.delete(id, { signal });
    output.note(`revoked ${id}`);
  });
