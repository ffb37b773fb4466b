/** What the operator may see of the configuration: everything but secrets, of which only whether they are set. */
import type { ConfigView } from "#api/services.ts";
import { version } from "../package.json";
import { type Env, settingsOf } from "./env.ts";

/** Names that stand for secrets, of ours and of `$secrets`. */
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|HEADERS|CREDENTIAL/;

/** Set by the local runtime for itself. */
const INTERNAL: ReadonlySet<string> = new Set(["WEIR_LOCAL", "WEIR_HOST"]);

export function configView(env: Env): ConfigView {
  const settings = settingsOf(env);
  const view: ConfigView = {
    version,
    runtime: settings.WEIR_LOCAL === "" ? "cloudflare" : "local",
    variables: {},
    secrets: {},
    bindings: {},
  };
  for (const [name, value] of Object.entries(settings)) {
    if (INTERNAL.has(name)) continue;
    if (SECRET_NAME.test(name)) view.secrets[name] = value === "" || value === null ? "not set" : "set";
    else view.variables[name] = typeof value === "string" ? withoutCredentials(value) : value;
  }
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith("WEIR_SECRET_")) view.secrets[name] = "set";
    else if (typeof value === "object" && value !== null) view.bindings[name] = kindOf(name, value);
  }
  return view;
}

/** An address may carry a name and a password. */
function withoutCredentials(value: string): string {
  if (!URL.canParse(value)) return value;
  const url = new URL(value);
  if (url.username === "" && url.password === "") return value;
  url.username = "***";
  url.password = "";
  return url.href;
}

function kindOf(name: string, binding: object): string {
  if ("getByName" in binding) return "durable object";
  if ("prepare" in binding) return "d1 database";
  if ("writeDataPoint" in binding) return "analytics dataset";
  if ("sendBatch" in binding) return "queue";
  return name === "ASSETS" ? "assets" : binding.constructor.name;
}
