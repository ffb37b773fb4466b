/** `weir config set`: keeps an address and a key under a name. */
import { Command } from "@commander-js/extra-typings";
import { contextOf, type GlobalOptions } from "../context.ts";
import { unable } from "../failure.ts";
import { readConfig, writeConfig } from "../settings.ts";

export const configSet = new Command("set")
  .description("keep --url and --key as a profile; the first one is used from then on")
  .argument("<name>")
  .action((name, _options, command) => {
    const { url, key } = command.optsWithGlobals() as unknown as GlobalOptions;
    if (url === undefined && key === undefined) throw unable("give --url, --key or both: what is the profile to hold?");
    if (url !== undefined && !/^https?:\/\/[^/]/.test(url)) throw unable(`"${url}" is no http(s) URL`);
    const config = readConfig(process.env);
    const before = config.profiles[name] ?? {};
    const profiles = {
      ...config.profiles,
      [name]: { ...before, ...(url === undefined ? {} : { url }), ...(key === undefined ? {} : { key }) },
    };
    const file = writeConfig({ ...config, profile: config.profile ?? name, profiles }, process.env);
    contextOf(command).output.note(`kept profile ${name} in ${file}`);
  });
