/**
 * Identifiers. A run id carries the shard that owns the run (`run_<region><shard><ulid>`), so that routing a request
 * needs no lookup and the number of shards can change without moving a run.
 */
import { decodeTime, monotonicFactory, type ULIDFactory, ulid } from "ulid";

/** Two letters in a run id → the location hint of the shard's object (null: wherever it is first called from). */
export const REGIONS = {
  xx: null,
  wn: "wnam",
  en: "enam",
  sa: "sam",
  we: "weur",
  ee: "eeur",
  ap: "apac",
  oc: "oc",
  af: "afr",
  me: "me",
} as const;

export type Region = keyof typeof REGIONS;
export type LocationHint = Exclude<(typeof REGIONS)[Region], null>;

/** A shard's number has three hexadecimal digits in the id. */
export const SHARDS_MAX = 0x1000;

export interface ShardAddress {
  region: Region;
  shard: number;
}

const RUN_ID = /^run_([a-z]{2})([0-9a-f]{3})([0-9A-HJKMNP-TV-Z]{26})$/;

/** Name of the Durable Object of a shard. */
export function shardName(address: ShardAddress): string {
  return `${address.region}-${address.shard}`;
}

/** The shard that an object's name names; null for a name of another form. */
export function parseShardName(name: string): ShardAddress | null {
  const match = /^([a-z]{2})-(\d{1,4})$/.exec(name);
  const [, region = "", shard = ""] = match ?? [];
  return Object.hasOwn(REGIONS, region) ? { region: region as Region, shard: Number(shard) } : null;
}

/** What the ids of a shard's runs begin with; the rest is a ULID, so they sort by submission. */
export function runIdPrefix(address: ShardAddress): string {
  return `run_${address.region}${address.shard.toString(16).padStart(3, "0")}`;
}

export function runId(address: ShardAddress, ulid: string): string {
  return `${runIdPrefix(address)}${ulid}`;
}

/** When the id was made, in milliseconds since the epoch. */
export function runIdTime(id: string): number {
  return decodeTime(id.slice(-ULID_LENGTH));
}

const ULID_LENGTH = 26;

/** The shard a run id names; null for anything that is not a run id of this installation (`shards` known shards). */
export function parseRunId(id: string, shards: number): ShardAddress | null {
  const match = RUN_ID.exec(id);
  if (match === null) return null;
  const [, region = "", shard = ""] = match;
  if (!Object.hasOwn(REGIONS, region)) return null;
  const number = Number.parseInt(shard, 16);
  return number < shards ? { region: region as Region, shard: number } : null;
}

/** An approval is asked for by one visit of a node: its id says which, and thereby which shard knows it. */
export interface ApprovalAddress {
  runId: string;
  visit: number;
  node: string;
}

const APPROVAL_ID = /^apr_([a-z]{2}[0-9a-f]{3}[0-9A-HJKMNP-TV-Z]{26})-([1-9]\d{0,8})-([A-Za-z0-9_-]{1,64})$/;

export function approvalId({ runId, visit, node }: ApprovalAddress): string {
  return `apr_${runId.slice("run_".length)}-${visit}-${node}`;
}

/** Null for anything that is not an approval's id. */
export function parseApprovalId(id: string): ApprovalAddress | null {
  const [, run, visit, node] = APPROVAL_ID.exec(id) ?? [];
  if (run === undefined || visit === undefined || node === undefined) return null;
  return { runId: `run_${run}`, visit: Number(visit), node };
}

/** FNV-1a over UTF-16 units: spreads names over shards; not a secret and not a checksum. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  // One more mix: FNV's low bits alone are uneven for names that differ only at the end.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash >>> 0;
}

let factory: ULIDFactory | undefined;

/** A ULID that sorts after every one made before it in this isolate. Made lazily: randomness is not allowed at load. */
export function nextUlid(nowMs: number): string {
  factory ??= monotonicFactory();
  return factory(nowMs);
}

/** The ULID that follows from a time and a digest in hex: always the same one. */
export function ulidFrom(ms: number, digest: string): string {
  const bytes = digest.match(/[0-9a-f]{2}/g) ?? [];
  let next = 0;
  return ulid(ms, () => Number.parseInt(bytes[next++] ?? "0", 16) / 0x100);
}
