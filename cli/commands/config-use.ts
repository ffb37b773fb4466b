/** `weir config use`: which profile is meant when none is named. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { unable } from "../failure.ts";
import { readConfig, writeConfig } from "../settings.ts";

export const configUse = new Command("use")
  .description("use this profile when none is named")
  .argument("<name>")
  .action((name, _options, command) => {
    const config = readConfig(process.env);
    if (config.profiles[name] === undefined) throw unable(`there is no profile "${name}": see "weir config list"`);
    writeConfig({ ...config, profile: name }, process.env);
    contextOf(command).output.note(`using profile ${name}`);
  });
