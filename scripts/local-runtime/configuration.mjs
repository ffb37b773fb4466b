/**
 * What the environment asks of a local start (docs: the contract of `npm start`), parsed once, and the variables that
 * go on to the Worker. Bindings are declared in wrangler.toml, not here.
 */
import { isIP } from "node:net";
import path from "node:path";
import { StartRefusal } from "./start-refusal.mjs";

/**
 * @typedef {Readonly<Record<string, string | undefined>>} Environment
 *
 * @typedef {object} Settings
 * @property {number} port 0 asks for a free one.
 * @property {string} host
 * @property {string} statePath Absolute folder of all persistent state.
 * @property {string | null} operatorKey Null: the one kept in the state folder.
 * @property {boolean} examples
 * @property {string[]} allowedPrivateHosts host:port that HTTP nodes may reach although they are private.
 * @property {number | null} inspectorPort Port of the loopback where a debugger may attach; null: none may.
 */

const PORT_MAX = 65_535;
/** A shard has three hexadecimal digits in a run id. */
const SHARDS_MAX = 4_096;
const LOG_LEVELS = ["debug", "info", "warn", "error"];
const SWITCH = ["on", "off"];

/** Read by the Worker, and sent on when set. What [vars] of wrangler.toml declares is sent on too. */
const WORKER_VARIABLES = [
  "COORDINATOR_SHARDS",
  "WEIR_LIMITS",
  "WEIR_TELEMETRY",
  "OPENAI_API_KEY",
  "OPENAI_BASE_URL",
  "OPENAI_MODEL",
  "LOG_LEVEL",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_SERVICE_NAME",
  "OTEL_TRACES_SAMPLER_ARG",
  "OTEL_LOGS_EXPORTER",
  "LOKI_URL",
];
const WORKER_VARIABLE_PREFIXES = ["WEIR_VAR_", "WEIR_SECRET_"];

/** Where the local runtime differs from what wrangler.toml says for production. */
const LOCAL_DEFAULTS = {
  COORDINATOR_SHARDS: "2",
  WEIR_LIMITS: "on",
  WEIR_TELEMETRY: "on",
  LOG_LEVEL: "info",
  // The platform's Analytics Engine does nothing on a laptop.
  WEIR_ANALYTICS: "local",
};

/**
 * Reads the settings, or refuses with everything that is wrong in one line. An empty variable counts as unset.
 * @param {Environment} environment
 * @param {string} root Folder that a relative WEIR_STATE starts from.
 * @returns {Settings}
 */
export function readSettings(environment, root) {
  /** @type {string[]} */
  const problems = [];
  const text = (/** @type {string} */ name) => {
    const value = environment[name]?.trim();
    return value === undefined || value === "" ? undefined : value;
  };
  const oneOf = (/** @type {string} */ name, /** @type {string[]} */ choices) => {
    const value = text(name);
    if (value !== undefined && !choices.includes(value)) {
      problems.push(`${name} must be ${choices.join(" or ")}, not "${value}"`);
    }
    return value;
  };
  const integer = (
    /** @type {string} */ name,
    /** @type {number} */ least,
    /** @type {number} */ most,
    /** @type {number} */ otherwise,
  ) => {
    const value = text(name);
    if (value === undefined) return otherwise;
    if (/^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
    problems.push(`${name} must be a whole number from ${least} to ${most}, not "${value}"`);
    return otherwise;
  };
  const webAddress = (/** @type {string} */ name) => {
    const value = text(name);
    const scheme = value === undefined ? "http:" : URL.canParse(value) ? new URL(value).protocol : "";
    if (scheme !== "http:" && scheme !== "https:") problems.push(`${name} must be an http(s) URL, not "${value}"`);
  };

  const port = integer("PORT", 0, PORT_MAX, 8787);
  const host = text("HOST") ?? "127.0.0.1";
  const operatorKey = text("WEIR_OPERATOR_KEY") ?? null;
  if (!isHostName(host)) {
    problems.push(`HOST must be an IP address or a host name, not "${host}"`);
  } else if (!isLoopback(host) && operatorKey === null) {
    problems.push(`HOST ${host} is open to other machines, which needs WEIR_OPERATOR_KEY to be set`);
  }
  // Longer than that is no key, and a blank inside would be cut off by an Authorization header.
  if (operatorKey !== null && !/^[\x21-\x7e]{8,512}$/.test(operatorKey)) {
    problems.push("WEIR_OPERATOR_KEY must be 8 to 512 printable ASCII characters without blanks");
  }
  const examples = oneOf("WEIR_EXAMPLES", ["0", "1"]) !== "0";
  oneOf("WEIR_LIMITS", SWITCH);
  oneOf("WEIR_TELEMETRY", SWITCH);
  oneOf("LOG_LEVEL", LOG_LEVELS);
  integer("COORDINATOR_SHARDS", 1, SHARDS_MAX, 2);
  const share = Number(text("OTEL_TRACES_SAMPLER_ARG") ?? 1);
  if (!(share >= 0 && share <= 1)) {
    problems.push(`OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, not "${text("OTEL_TRACES_SAMPLER_ARG")}"`);
  }
  oneOf("OTEL_LOGS_EXPORTER", ["otlp", "none"]);
  for (const name of ["OPENAI_BASE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT", "LOKI_URL"]) webAddress(name);

  const inspectorPort = integer("WEIR_INSPECTOR_PORT", 1, PORT_MAX, 0);
  const allowedPrivateHosts = (text("WEIR_ALLOW_PRIVATE_HOSTS") ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  for (const entry of allowedPrivateHosts) {
    const [, name, number] = /^(.+):(\d{1,5})$/.exec(entry) ?? [];
    if (name === undefined || !isHostName(name) || Number(number) < 1 || Number(number) > PORT_MAX) {
      problems.push(`WEIR_ALLOW_PRIVATE_HOSTS must list host:port, not "${entry}"`);
    }
  }
  if (problems.length > 0) throw new StartRefusal(problems.join("; "));

  return {
    port,
    host,
    statePath: path.resolve(root, text("WEIR_STATE") ?? ".weir"),
    operatorKey,
    examples,
    allowedPrivateHosts,
    inspectorPort: inspectorPort === 0 ? null : inspectorPort,
  };
}

/**
 * What the Worker gets, by name: what wrangler.toml says, what is different on a laptop, what the environment says.
 * @param {Environment} environment
 * @param {Readonly<Record<string, string>>} declared Variables of wrangler.toml; each may be set from outside.
 * @returns {Record<string, string>}
 */
export function workerVariables(environment, declared) {
  /** @type {Record<string, string>} */
  const variables = { ...declared, ...LOCAL_DEFAULTS };
  for (const [name, value] of Object.entries(environment)) {
    const isPassedOn =
      WORKER_VARIABLES.includes(name) ||
      Object.hasOwn(declared, name) ||
      WORKER_VARIABLE_PREFIXES.some((prefix) => name.startsWith(prefix) && name.length > prefix.length);
    if (isPassedOn && value !== undefined && value.trim() !== "") variables[name] = value.trim();
  }
  return variables;
}

/**
 * Whether logs go anywhere but to the terminal, which takes the tail Worker.
 * @param {Readonly<Record<string, string>>} variables
 */
export function shipsLogs({
  LOKI_URL: loki,
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_LOGS_EXPORTER: exporter,
  WEIR_TELEMETRY: telemetry,
}) {
  return telemetry !== "off" && ((loki ?? "") !== "" || ((endpoint ?? "") !== "" && exporter !== "none"));
}

/** Whether only this machine can reach a server that listens there. @param {string} host */
export function isLoopback(host) {
  return host === "localhost" || bare(host) === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** How a host stands in a URL and in host:port. @param {string} host */
export function hostInUrl(host) {
  return isIP(bare(host)) === 6 ? `[${bare(host)}]` : host;
}

/**
 * Where this machine reaches a server that listens on `host`: a wildcard address is no destination.
 * @param {string} host
 */
export function reachableHost(host) {
  if (host === "0.0.0.0") return "127.0.0.1";
  return bare(host) === "::" ? "[::1]" : hostInUrl(host);
}

/** @param {string} host */
function isHostName(host) {
  return isIP(bare(host)) !== 0 || /^(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$/.test(host);
}

/** @param {string} host */
function bare(host) {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}
