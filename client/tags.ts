/** Tags: where they point, what they pointed to, and how they are moved. */
import type { PageOptions, Tag, TagHistory, TagPage } from "./api.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface MoveOptions extends CallOptions {
  /** Only if the tag points there now: a version or an artifact id; `conflict` otherwise. */
  expected?: number | string;
}

export class Tags {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(query: PageOptions = {}, options: CallOptions = {}): Promise<TagPage> {
    return this.#transport.call("$get", "/api/v1/tags", { query }, options);
  }

  get(name: string, options: CallOptions = {}): Promise<Tag> {
    return this.#transport.call("$get", "/api/v1/tags/:name", { param: { name } }, options);
  }

  /** What the tag has pointed to, newest first. */
  history(name: string, query: PageOptions = {}, options: CallOptions = {}): Promise<TagHistory> {
    return this.#transport.call("$get", "/api/v1/tags/:name/history", { param: { name }, query }, options);
  }

  /** Points the tag to a version of its history, or to an artifact, which then becomes the newest version. */
  move(name: string, to: number | string, { expected, ...options }: MoveOptions = {}): Promise<Tag> {
    const json = { to, ...(expected === undefined ? {} : { expected }) };
    return this.#transport.call("$post", "/api/v1/tags/:name/move", { param: { name }, header: {}, json }, options);
  }

  /** Points the tag to the version before; `conflict` at the beginning of its history. */
  undo(name: string, options: CallOptions = {}): Promise<Tag> {
    return this.#transport.call("$post", "/api/v1/tags/:name/undo", { param: { name }, header: {} }, options);
  }

  /** Points the tag to the version after; `conflict` at the end of its history. */
  redo(name: string, options: CallOptions = {}): Promise<Tag> {
    return this.#transport.call("$post", "/api/v1/tags/:name/redo", { param: { name }, header: {} }, options);
  }
}
