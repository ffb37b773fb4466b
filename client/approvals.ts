/** Approvals: what waits for people, and their decisions. */
import type { Approval, ApprovalPage, ApprovalStatus, Decision, LinkOrder, PageOptions, SignedLink } from "./api.ts";
import { itemsOf } from "./pages.ts";
import type { CallOptions, Transport } from "./transport.ts";

export class Approvals {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The inbox, newest first. */
  list(query: PageOptions & { status?: ApprovalStatus } = {}, options: CallOptions = {}): Promise<ApprovalPage> {
    return this.#transport.call("$get", "/api/v1/approvals", { query }, options);
  }

  all(status?: ApprovalStatus): AsyncGenerator<ApprovalPage["items"][number], void, undefined> {
    const filter = status === undefined ? {} : { status };
    return itemsOf((cursor) => this.list({ ...filter, limit: 200, ...(cursor === undefined ? {} : { cursor }) }));
  }

  get(id: string, options: CallOptions = {}): Promise<Approval> {
    return this.#transport.call("$get", "/api/v1/approvals/:id", { param: { id } }, options);
  }

  /** Votes, each key once; a rejection needs comments. Below the quorum the approval stays `pending`. */
  decide(
    id: string,
    decision: Decision,
    { comments, ...options }: CallOptions & { comments?: string } = {},
  ): Promise<Approval> {
    const json = { decision, ...(comments === undefined ? {} : { comments }) };
    return this.#transport.call("$post", "/api/v1/approvals/:id/decide", { param: { id }, json }, options);
  }

  /** A link that casts one vote without a key: opening it shows, its form decides. */
  link(id: string, order: LinkOrder = {}, options: CallOptions = {}): Promise<SignedLink> {
    return this.#transport.call("$post", "/api/v1/approvals/:id/links", { param: { id }, json: order }, options);
  }
}
