/** The way to the fanout of a tenant: the object that tells its feed. */
import { ApiError } from "#kernel/errors.ts";
import { type FeedOrder, feedRequest } from "./fanout/feed.ts";
import type { FanoutRpc } from "./fanout/protocol.ts";
import { callObject } from "./object-call.ts";

export interface FanoutNamespace {
  getByName(name: string): FanoutRpc;
}

export class Fanouts {
  readonly #namespace: FanoutNamespace;

  constructor(namespace: FanoutNamespace) {
    this.#namespace = namespace;
  }

  call<Value>(tenant: string, ask: (fanout: FanoutRpc) => Promise<Value>): Promise<Value> {
    return callObject(() => this.#namespace.getByName(tenant), ask, "the tenant's feed");
  }

  /** A socket that tells the feed from a cursor on. */
  async listen(order: FeedOrder): Promise<WebSocket> {
    const { webSocket } = await this.call(order.tenant, (fanout) => fanout.fetch(feedRequest(order)));
    if (webSocket === null) {
      throw new ApiError("overloaded", "too many listen to this tenant's feed; close some, or try again shortly", {
        headers: { "Retry-After": "5" },
      });
    }
    return webSocket;
  }
}
