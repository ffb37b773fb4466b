/** `weir config remove`: forgets a profile. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { unable } from "../failure.ts";
import { readConfig, writeConfig } from "../settings.ts";

export const configRemove = new Command("remove")
  .description("forget a profile")
  .argument("<name>")
  .action((name, _options, command) => {
    const { profile, profiles } = readConfig(process.env);
    if (profiles[name] === undefined) throw unable(`there is no profile "${name}": see "weir config list"`);
    const { [name]: _, ...rest } = profiles;
    writeConfig({ ...(profile === undefined || profile === name ? {} : { profile }), profiles: rest }, process.env);
    contextOf(command).output.note(`forgot profile ${name}`);
  });
