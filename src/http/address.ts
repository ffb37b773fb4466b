/**
 * Which IP addresses an outgoing request may reach: the global unicast ones, and no others. Names, ports and URLs are
 * judged by `url-guard.ts`.
 */
import ipaddr from "ipaddr.js";

export type AddressVerdict = { allowed: true } | { allowed: false; message: string };

/**
 * Every block of IANA's IPv4 Special-Purpose Address Registry (RFC 6890, as of 2025-10) that is not globally reachable,
 * the multicast registry's 224.0.0.0/4, and the addresses of clouds' metadata services. 192.0.0.0/24 is refused whole:
 * its two reachable anycast addresses lead to the NAT device of the local network.
 */
const REFUSED_IPV4: readonly (readonly [block: string, kind: string])[] = [
  ["0.0.0.0/8", "this network"],
  ["10.0.0.0/8", "private"],
  ["100.64.0.0/10", "carrier-grade NAT"],
  ["127.0.0.0/8", "loopback"],
  ["168.63.129.16/32", "cloud metadata"],
  ["169.254.169.254/32", "cloud metadata"],
  ["169.254.0.0/16", "link-local"],
  ["172.16.0.0/12", "private"],
  ["192.0.0.0/24", "IETF protocol"],
  ["192.0.2.0/24", "documentation"],
  ["192.88.99.0/24", "6to4 relay"],
  ["192.168.0.0/16", "private"],
  ["198.18.0.0/15", "benchmarking"],
  ["198.51.100.0/24", "documentation"],
  ["203.0.113.0/24", "documentation"],
  ["224.0.0.0/4", "multicast"],
  ["255.255.255.255/32", "broadcast"],
  ["240.0.0.0/4", "reserved"],
];

/**
 * The same for IPv6 (RFC 6890, RFC 4291). Blocks that carry an IPv4 address are refused whole, NAT64's reachable
 * 64:ff9b::/96 among them: what they lead to depends on the network. So is 2001::/23, as 192.0.0.0/24 is above.
 */
const REFUSED_IPV6: readonly (readonly [block: string, kind: string])[] = [
  ["::/128", "unspecified"],
  ["::1/128", "loopback"],
  ["::/96", "IPv4-compatible"],
  ["::ffff:0:0/96", "IPv4-mapped"],
  ["::ffff:0:0:0/96", "IPv4-translated"],
  ["64:ff9b::/96", "NAT64"],
  ["64:ff9b:1::/48", "NAT64"],
  ["100::/64", "discard-only"],
  ["100:0:0:1::/64", "dummy prefix"],
  ["2001::/32", "Teredo"],
  ["2001:2::/48", "benchmarking"],
  ["2001::/23", "IETF protocol"],
  ["2001:db8::/32", "documentation"],
  ["2002::/16", "6to4"],
  ["3fff::/20", "documentation"],
  ["5f00::/16", "segment routing"],
  ["fc00::/7", "unique local"],
  ["fe80::/10", "link-local"],
  ["fec0::/10", "site-local"],
  ["ff00::/8", "multicast"],
];

/** IANA assigns global unicast addresses from here alone (RFC 4291 §2.4, IPv6 Address Space registry). */
const GLOBAL_UNICAST_IPV6 = ipaddr.IPv6.parseCIDR("2000::/3");

const refusedIpv4 = REFUSED_IPV4.map(([block, kind]) => ({ range: ipaddr.IPv4.parseCIDR(block), kind }));
const refusedIpv6 = REFUSED_IPV6.map(([block, kind]) => ({ range: ipaddr.IPv6.parseCIDR(block), kind }));

/** True for the canonical text of an IPv4 or IPv6 address, without brackets or zone. */
export function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || (!text.includes("%") && ipaddr.IPv6.isValid(text));
}

/**
 * Judges an IP address literal: dotted decimal IPv4, or IPv6 without brackets. Other spellings of IPv4 (octal, hex,
 * short) and zone ids are refused as unreadable, since `URL` has normalised or refused them before.
 */
export function judgeAddress(text: string): AddressVerdict {
  if (!isAddress(text)) return { allowed: false, message: `${text} is not an IP address` };
  if (ipaddr.IPv4.isValid(text)) {
    const address = ipaddr.IPv4.parse(text);
    const refused = refusedIpv4.find(({ range }) => address.match(range));
    return refused === undefined ? { allowed: true } : notPublic(text, refused.kind);
  }
  const address = ipaddr.IPv6.parse(text);
  const refused = refusedIpv6.find(({ range }) => address.match(range));
  if (refused !== undefined) return notPublic(text, refused.kind);
  return address.match(GLOBAL_UNICAST_IPV6) ? { allowed: true } : notPublic(text, "reserved");
}

function notPublic(text: string, kind: string): AddressVerdict {
  return { allowed: false, message: `${text} is not a public address (${kind})` };
}
