/**
 * What a tenant's fanout is told and asked, by shards and by the Worker. Additive only: old and new code run side by
 * side for minutes.
 */
import type { RunSummary } from "../run-summary.ts";

/** A run of the feed: how it stands, and from which event on that is news. */
export interface FeedRun extends RunSummary {
  /** Number of the event before those that are news: its `seq` in the item before. */
  after: number;
}

/**
 * News of a shard: the runs of the tenant that changed in rows `after` to `through` of its log. The fanout takes it only
 * when it stands at `after`, so whatever is sent twice is taken once. `after` null: the shard asks where it stands.
 */
export interface FeedPage {
  shard: string;
  after: number | null;
  through: number;
  /** `FeedRun`s as JSON texts, in the order of their last change. */
  items: string[];
  /** There was too much between `after` and what is told: listeners must read the list again. */
  is_cut: boolean;
}

export interface FeedReply {
  /** False: nobody listens any more. */
  is_listening: boolean;
  /** Where the fanout stands in the shard's log now; null: it never heard of the shard. */
  through: number | null;
}

export interface FanoutStats {
  tenant: string;
  sockets: number;
  /** Frames that a listener may still resume after. */
  frames: number;
  database_bytes: number;
}

/** The tenant comes first in every call; the object holds no other's. */
export interface FanoutRpc {
  push(tenant: string, page: FeedPage): Promise<FeedReply>;
  /** Takes a ticket in; false when it was taken in before. */
  redeem(tenant: string, nonce: string, expiresAt: number): Promise<boolean>;
  stats(): Promise<FanoutStats>;
  /** Upgrades to the feed, see `feed.ts`: 101, or 503 when too many listen. */
  fetch(request: Request): Promise<Response>;
}
