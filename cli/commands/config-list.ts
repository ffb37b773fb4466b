/** `weir config list`: the profiles; of keys only how they begin. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { fields } from "../output.ts";
import { configPath, readConfig } from "../settings.ts";
import { table } from "../table.ts";

const KEY_SHOWN = 10;

export const configList = new Command("list")
  .alias("ls")
  .description("the profiles; of keys only how they begin")
  .action((_options, command) => {
    const { output } = contextOf(command);
    const { paint } = output;
    const config = readConfig(process.env);
    const profiles = Object.entries(config.profiles).map(([name, { url = null, key }]) => ({
      name,
      url,
      key: key === undefined ? null : `${key.slice(0, KEY_SHOWN)}…`,
      used: name === config.profile,
    }));
    output.answer(
      { file: configPath(process.env), profiles },
      {
        pretty: () =>
          profiles.length === 0
            ? [`no profiles in ${configPath(process.env)}: make one with "weir config set"`]
            : table(
                [{ title: "" }, { title: "profile" }, { title: "url", mayShrink: true }, { title: "key" }],
                profiles.map((each) => [
                  { text: each.used ? "*" : "", paint: (text: string) => paint("green", text) },
                  { text: each.name, paint: (text: string) => paint("bold", text) },
                  each.url ?? "",
                  each.key ?? "",
                ]),
                output.width,
                (text) => paint("dim", text),
              ),
        compact: () => profiles.map((each) => fields(each.name, each.url, each.key, each.used ? "used" : "")),
      },
    );
  });
