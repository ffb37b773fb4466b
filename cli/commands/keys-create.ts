/** `weir keys create`: makes a key; its text is shown this once. */
import { Command, Option } from "@commander-js/extra-typings";
import { SCOPES, type Scope } from "#access/scopes.ts";
import { contextOf } from "../context.ts";
import { span } from "../options.ts";
import { fields } from "../output.ts";

export const keysCreate = new Command("create")
  .description("make a key; its text is shown this once and kept nowhere")
  .argument("<name>", "what it is for")
  .addOption(new Option("-s, --scope <scope...>", "what it may do").choices(SCOPES).makeOptionMandatory())
  .option("--expires-in <time>", 'it stops working after "12h", "30d"', span)
  .option("--tenant <id>", "of another tenant; for the operator")
  .action(async (name, { scope, expiresIn, tenant }, command) => {
    const { weir, output, signal } = contextOf(command);
    const expiry = expiresIn === undefined ? {} : { expires_at: new Date(Date.now() + expiresIn).toISOString() };
    const order = { name, scopes: scope as Scope[], ...expiry, ...(tenant === undefined ? {} : { tenant }) };
    const key = await weir.keys.create(order, { signal });
    output.note(`${key.id} of tenant ${key.tenant}, shown this once:`);
    output.answer(key, { pretty: () => [key.key], compact: () => [fields(key.id, key.key)] });
  });
