/**
 * Secrets by name, each bound to hosts. References (`$secrets.NAME` as a whole string, `${$secrets.NAME}` within one)
 * are resolved here, in the HTTP worker, and nowhere else; `redaction.ts` takes echoes of them out of answers.
 */
import { isDeeperThan, type Json } from "#kernel/json.ts";
import { bareHost, coversHost, effectivePort } from "./host-pattern.ts";
import { SECRET_LENGTH_MIN, SECRET_REFERENCES_MAX } from "./limits.ts";
import { type Failure, failure, refusal } from "./refusal.ts";

export interface Secret {
  value: string;
  /** Where it may go: `api.example.com` and `*.example.com` on the scheme's own port, `host:port` on that port. */
  hosts: readonly string[];
}

export interface SecretStore {
  get(name: string): Secret | undefined;
}

/** Letters, digits and underscores, since a name is part of an environment variable's. */
export const SECRET_NAME = /^[A-Za-z0-9_]{1,64}$/;

const ENVIRONMENT_PREFIX = "WEIR_SECRET_";
const HOSTS_SUFFIX = "_HOSTS";

const WHOLE = /^\$secrets\.([A-Za-z0-9_-]+)$/;
const INTERPOLATED = /\$\{\s*\$secrets\.([^}]*)\}/g;

/**
 * Secrets from environment-like bindings: `WEIR_SECRET_<NAME>` is a value, `WEIR_SECRET_<NAME>_HOSTS` its hosts,
 * separated by commas; without hosts it goes nowhere. Names are compared in upper case. White space around a value is
 * no part of it, since commands that store secrets tend to add a line break.
 */
export function environmentSecrets(environment: Readonly<Record<string, unknown>>): SecretStore {
  const read = (key: string): string | undefined => {
    const value = Object.hasOwn(environment, key) ? environment[key] : undefined;
    return typeof value === "string" ? value.trim() : undefined;
  };
  return {
    get(name) {
      const key = ENVIRONMENT_PREFIX + name.toUpperCase();
      const value = key.endsWith(HOSTS_SUFFIX) ? undefined : read(key);
      if (value === undefined || value === "") return undefined;
      const hosts = (read(key + HOSTS_SUFFIX) ?? "").split(",").map((host) => host.trim());
      return { value, hosts: hosts.filter((host) => host !== "") };
    },
  };
}

/** A store without secrets. */
export const noSecrets: SecretStore = { get: () => undefined };

export interface UsedSecret extends Secret {
  name: string;
}

/**
 * Resolves the references of one request, all for the same host. After the last text, `failure` tells what went wrong
 * first: `secret_missing`, `url_refused` (not bound to the host), or `payload_too_large` (more than
 * `SECRET_REFERENCES_MAX` references).
 */
export class SecretReferences {
  readonly #store: SecretStore;
  readonly #target: URL;
  readonly #declared: readonly string[] | undefined;
  readonly #used = new Map<string, UsedSecret>();
  #references = 0;
  #failure: Failure | null = null;

  /** `declared` is the node's `secrets`: when present, no other name may be used. */
  constructor(store: SecretStore, target: URL, declared?: readonly string[]) {
    this.#store = store;
    this.#target = target;
    this.#declared = declared;
  }

  get failure(): Failure | null {
    return this.#failure;
  }

  get used(): readonly UsedSecret[] {
    return [...this.#used.values()];
  }

  /** The count of references resolved so far: it grows when a text held one. */
  get count(): number {
    return this.#references;
  }

  /** `encode` fits a value into its place, such as a query. */
  text(template: string, encode: (value: string) => string = (value) => value): string {
    const whole = WHOLE.exec(template)?.[1];
    if (whole !== undefined) return encode(this.#resolve(whole));
    return template.replace(INTERPOLATED, (_, name: string) => encode(this.#resolve(name.trim())));
  }

  /** Strings at any depth; keys are left as they are. */
  json(value: Json): Json {
    if (isDeeperThan(value)) {
      this.#failure ??= failure("payload_too_large", "the payload is nested too deeply");
      return null;
    }
    return this.#walk(value);
  }

  #walk(value: Json): Json {
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => this.#walk(item));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#walk(item)]));
  }

  #resolve(name: string): string {
    this.#references++;
    if (this.#failure !== null) return "";
    const secret = this.#read(name);
    if ("error" in secret) {
      this.#failure = secret;
      return "";
    }
    this.#used.set(name, secret);
    return secret.value;
  }

  #read(name: string): UsedSecret | Failure {
    if (this.#references > SECRET_REFERENCES_MAX) {
      return failure("payload_too_large", `a request refers to secrets at most ${SECRET_REFERENCES_MAX} times`);
    }
    if (!SECRET_NAME.test(name)) return failure("secret_missing", "a reference to a secret has no valid name");
    if (this.#declared !== undefined && !this.#declared.includes(name)) {
      return failure("secret_missing", `secret ${name} is not among the node's secrets: add it to config.secrets`);
    }
    const known = this.#used.get(name);
    if (known !== undefined) return known;
    const secret = this.#store.get(name);
    if (secret === undefined) {
      const key = ENVIRONMENT_PREFIX + name.toUpperCase();
      return failure("secret_missing", `secret ${name} is not set: set ${key} and ${key}${HOSTS_SUFFIX}`);
    }
    if (secret.value.length < SECRET_LENGTH_MIN) {
      return failure("secret_missing", `secret ${name} is shorter than ${SECRET_LENGTH_MIN} characters`);
    }
    const used = { name, value: secret.value, hosts: secret.hosts };
    return bindingFailure([used], this.#target) ?? used;
  }
}

/** A `url_refused` failure that says what to set when one of `secrets` is not bound to the host of `url`, or null. */
export function bindingFailure(secrets: readonly UsedSecret[], url: URL): Failure | null {
  const unbound = secrets.find(({ hosts }) => !hosts.some((host) => coversHost(host, url, false)));
  if (unbound === undefined) return null;
  const host = url.port === "" ? bareHost(url) : `${bareHost(url)}:${effectivePort(url)}`;
  const key = ENVIRONMENT_PREFIX + unbound.name.toUpperCase() + HOSTS_SUFFIX;
  return refusal("secret_host", `secret ${unbound.name} is not bound to this host: add ${host} to ${key}`);
}
