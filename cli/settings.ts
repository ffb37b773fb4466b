/** Which Weir is meant, and with which key: options, then environment, then a profile of the user's config folder. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import envPaths from "env-paths";
import { z } from "zod";
import { unable } from "./failure.ts";

export const URL_DEFAULT = "http://127.0.0.1:8787";

const profileSchema = z.strictObject({ url: z.string().optional(), key: z.string().optional() });

const configSchema = z.strictObject({
  /** The profile that is used when none is named. */
  profile: z.string().optional(),
  profiles: z.record(z.string(), profileSchema).default({}),
});

export type Profile = z.infer<typeof profileSchema>;
export type Config = z.infer<typeof configSchema>;

export interface Connection {
  url: string;
  key: string | null;
}

export interface ConnectionOptions {
  url?: string | undefined;
  key?: string | undefined;
  profile?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** `config.json` in the user's config folder: `$XDG_CONFIG_HOME/weir` or what the system has instead. */
export function configPath(environment: Environment): string {
  const folder = text(environment.WEIR_CONFIG_HOME) ?? envPaths("weir", { suffix: "" }).config;
  return path.join(folder, "config.json");
}

/** The config file's content; an absent file is an empty config. */
export function readConfig(environment: Environment): Config {
  const file = configPath(environment);
  let content: string;
  try {
    content = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { profiles: {} };
    throw unable(`${file} cannot be read: ${(error as Error).message}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw unable(`${file} is not JSON: ${(error as Error).message}; mend it or delete it`);
  }
  const parsed = configSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unable(`${file} is not a config of weir: ${issue?.path.join(".")} ${issue?.message}; mend it or delete it`);
}

/** Keeps the config; it holds keys, so it is for its owner alone. */
export function writeConfig(config: Config, environment: Environment): string {
  const file = configPath(environment);
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
    chmodSync(file, 0o600);
  } catch (error) {
    throw unable(`${file} cannot be written: ${(error as Error).message}`);
  }
  return file;
}

/** Address and key for these options; when nothing says otherwise those of the local runtime. */
export function connectionOf(options: ConnectionOptions, environment: Environment): Connection {
  const name = options.profile ?? text(environment.WEIR_PROFILE);
  const profile = profileOf(name, readConfig(environment));
  // A profile that was named is meant as a whole: the environment does not mix another Weir into it.
  const fromEnvironment = name === undefined ? environment : {};
  const local = name === undefined ? localRuntime(environment) : null;
  const url = options.url ?? text(fromEnvironment.WEIR_URL) ?? profile.url ?? local?.url ?? URL_DEFAULT;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw unable(`"${url}" is no http(s) URL: give one such as ${URL_DEFAULT}`);
  }
  const keyOfProfile = options.url === undefined || options.url === profile.url ? profile.key : undefined;
  const address = url.replace(/\/+$/, "");
  // The local key goes to nobody but the runtime that made it.
  const ownKey = address === local?.url ? local.key : null;
  return { url: address, key: options.key ?? text(fromEnvironment.WEIR_KEY) ?? keyOfProfile ?? ownKey };
}

function profileOf(name: string | undefined, config: Config): Profile {
  const wanted = name ?? config.profile;
  if (wanted === undefined) return {};
  const profile = config.profiles[wanted];
  if (profile !== undefined) return profile;
  const known = Object.keys(config.profiles);
  throw unable(
    `there is no profile "${wanted}": ${known.length === 0 ? 'make one with "weir config set"' : `there are ${known.join(", ")}`}`,
  );
}

/** What `npm start` left in the state folder of the project we stand in: where it serves, and its operator key. */
function localRuntime(environment: Environment): { url: string; key: string } | null {
  const folder = text(environment.WEIR_STATE) ?? ".weir";
  try {
    const { url } = JSON.parse(readFileSync(path.join(folder, "runtime.json"), "utf8"));
    const key = text(readFileSync(path.join(folder, "operator-key"), "utf8"));
    return typeof url === "string" && key !== undefined ? { url, key } : null;
  } catch {
    return null;
  }
}

/** An empty variable counts as unset. */
function text(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === "" ? undefined : trimmed;
}
