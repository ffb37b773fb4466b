/**
 * Whether an outgoing request may go to a URL, by the rules of `security.md`, "Outgoing HTTP". Judges what is written
 * and what it parses to; what a name resolves to is `resolver.ts`'s to find out and `judgeAddresses`'s to judge.
 */
import { URL_LENGTH_MAX } from "#workflow/limits.ts";
import { isAddress, judgeAddress } from "./address.ts";
import { hostNameObjection } from "./host-name.ts";
import { bareHost, coversHost, effectivePort, listsHostPort } from "./host-pattern.ts";
import { pathObjection } from "./path-rules.ts";
import type { UrlRefusal } from "./refusal.ts";

export interface UrlPolicy {
  /** `host:port` pairs that pass the rules on names, addresses and ports; for local work and tests only. */
  allowPrivateHosts: ReadonlySet<string>;
  /** Origins that Weir itself answers on. */
  ownOrigins: ReadonlySet<string>;
  /** When present, the only hosts allowed: `api.example.com` (any port), `api.example.com:443`, `*.example.com`. */
  allowHosts?: readonly string[];
  /** Hosts refused before all else, written likewise. */
  denyHosts?: readonly string[];
  /** Ports allowed besides 80 and 443. */
  allowedPorts?: ReadonlySet<number>;
}

export type UrlVerdict = { allowed: true; url: URL } | { allowed: false; reason: UrlRefusal; message: string };

const WEB_PORTS: ReadonlySet<number> = new Set([80, 443]);
const WEB_SCHEMES: ReadonlySet<string> = new Set(["http:", "https:"]);

/** Judges an absolute URL as it was written. Never throws; the message names the rule and, at most, the host. */
export function judgeUrl(text: string, policy: UrlPolicy): UrlVerdict {
  if (text.length > URL_LENGTH_MAX) return refuse("invalid_url", `a URL has at most ${URL_LENGTH_MAX} characters`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: URL drops them silently, so that other readers may differ
  if (/[\u0000-\u001f\u007f]/.test(text)) return refuse("invalid_url", "a URL cannot hold control characters");
  const url = URL.parse(text);
  if (url === null) return refuse("invalid_url", "not an absolute URL");
  if (!WEB_SCHEMES.has(url.protocol)) return refuse("scheme", "only http and https are allowed");

  const parts = /^https?:\/\/([^/?#]+)([^?#]*)(\?[^#]*)?/i.exec(text.trim());
  const [, authority = "", path = "", query = ""] = parts ?? [];
  if (authority === "" || authority.includes("\\")) return refuse("invalid_url", "write the URL as http://host/path");
  if (authority.includes("@")) return refuse("user_info", "a URL cannot hold a user name or password");
  const forbidden = pathObjection(path + query) ?? pathObjection(url.pathname + url.search);
  if (forbidden !== null) return refuse("path", `the path or query holds ${forbidden}`);
  if (path.includes("\\")) return refuse("path", "the path holds a backslash");
  return judgeHost(url, policy);
}

/**
 * Judges what DNS answered for a host: every address must be public, and there must be one. The message names no
 * address, since private names would tell about the network.
 */
export function judgeAddresses(
  addresses: readonly string[],
): { allowed: true } | { allowed: false; reason: "dns"; message: string } {
  if (addresses.length === 0) return { allowed: false, reason: "dns", message: "the host has no address" };
  return addresses.every((address) => judgeAddress(address).allowed)
    ? { allowed: true }
    : { allowed: false, reason: "dns", message: "the host resolves to an address that is not public" };
}

/** True when DNS has a say: the host is a name, and not a listed private one. */
export function needsResolution(url: URL, policy: UrlPolicy): boolean {
  return !isAddress(addressText(url)) && !listsHostPort(policy.allowPrivateHosts, url);
}

function judgeHost(url: URL, policy: UrlPolicy): UrlVerdict {
  const host = bareHost(url);
  const isListed = listsHostPort(policy.allowPrivateHosts, url);
  if (policy.denyHosts?.some((pattern) => coversHost(pattern, url, true))) {
    return refuse("denied_host", `${host} is on the deny list`);
  }
  if (!isListed) {
    if (isOwnOrigin(url, policy.ownOrigins)) return refuse("own_origin", "a workflow cannot call Weir itself");
    const address = addressText(url);
    if (isAddress(address)) {
      const verdict = judgeAddress(address);
      if (!verdict.allowed) return refuse("address", verdict.message);
    } else {
      const objection = hostNameObjection(url.hostname);
      if (objection !== null) return refuse("host_name", objection);
    }
    const port = effectivePort(url);
    if (!WEB_PORTS.has(port) && !policy.allowedPorts?.has(port)) return refuse("port", `port ${port} is not allowed`);
  }
  if (policy.allowHosts !== undefined && !policy.allowHosts.some((pattern) => coversHost(pattern, url, true))) {
    return refuse("not_allowed_host", `${host} is not on the allow list`);
  }
  return { allowed: true, url };
}

/** http and https on their own ports count as one: servers redirect the one to the other. */
function isOwnOrigin(url: URL, ownOrigins: ReadonlySet<string>): boolean {
  for (const origin of ownOrigins) {
    const own = URL.parse(origin);
    if (own === null || bareHost(own) !== bareHost(url)) continue;
    const port = effectivePort(url);
    if (effectivePort(own) === port || (WEB_PORTS.has(effectivePort(own)) && WEB_PORTS.has(port))) return true;
  }
  return false;
}

function addressText(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

function refuse(reason: UrlRefusal, message: string): UrlVerdict {
  return { allowed: false, reason, message };
}
