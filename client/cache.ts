/** Outputs that nodes with `cache` are given again. */
import type { CachePage, PageOptions } from "./api.ts";
import { itemsOf } from "./pages.ts";
import type { CallOptions, Transport } from "./transport.ts";

export class Cache {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(query: PageOptions = {}, options: CallOptions = {}): Promise<CachePage> {
    return this.#transport.call("$get", "/api/v1/cache", { query }, options);
  }

  all(options: CallOptions = {}): AsyncGenerator<CachePage["items"][number], void, undefined> {
    return itemsOf((cursor) => this.list({ limit: 200, ...(cursor === undefined ? {} : { cursor }) }, options));
  }

  /** The next node of its kind makes the output anew. */
  async invalidate(key: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.call("$delete", "/api/v1/cache/:key", { param: { key } }, options);
  }
}
