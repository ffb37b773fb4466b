/**
 * Which DNS names an outgoing request may be made to: complete public ones. Addresses are judged by `address.ts`, a
 * tenant's own lists by `url-guard.ts`.
 */

/** A complete name without its final dot (RFC 1035 §2.3.4). */
export const HOST_NAME_LENGTH_MAX = 253;

/** Suffixes that lead into a machine, a cluster or a local network: RFC 6761, 6762, 8375, ICANN's .internal, custom. */
const LOCAL_SUFFIXES = [
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "svc",
  "home.arpa",
];

/** Public names of clouds' metadata services, and zones whose names are made to answer with a private address. */
const TREACHEROUS_SUFFIXES = [
  "metadata.goog",
  "metadata.azure.com",
  "metadata.tencentyun.com",
  "metadata.packet.net",
  "metadata.platformequinix.com",
  "nip.io",
  "sslip.io",
  "xip.io",
  "localtest.me",
  "lvh.me",
  "vcap.me",
  "traefik.me",
];

/** Letters, digits, hyphens and, since services use it, the underscore (RFC 1123 §2.1, RFC 8552). */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * Why a host name is refused, or null. A final dot is one reason: some readers of names drop it, others keep it. Takes
 * what `URL.hostname` gives: lower case, IDNA mapped to ASCII, percent sequences decoded.
 */
export function hostNameObjection(name: string): string | null {
  if (name.length > HOST_NAME_LENGTH_MAX) return `a host name has at most ${HOST_NAME_LENGTH_MAX} characters`;
  const labels = name.split(".");
  if (!labels.every((label) => LABEL.test(label))) return `${name} is not a host name`;
  if (labels.length === 1) return `${name} is not a complete host name`;
  const suffix = [...LOCAL_SUFFIXES, ...TREACHEROUS_SUFFIXES].find(
    (suffix) => name === suffix || name.endsWith(`.${suffix}`),
  );
  return suffix === undefined ? null : `${name} is not a public host (${suffix})`;
}
