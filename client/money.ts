/** What model calls may cost, what they did cost, and what models are charged at. */
import type { BudgetOrder, Budgets, PriceOrder, Prices, Usage, UsageFilters } from "./api.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** Setting is safe to repeat: the second time it is so already. */
const REPEATABLE = { isRepeatable: true };

export class Money {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Budgets of the tenant and what is used of them. */
  budgets(options: CallOptions = {}): Promise<Budgets> {
    return this.#transport.call("$get", "/api/v1/budgets", {}, options);
  }

  /** Sets a budget; a limit of null takes it away. */
  setBudget(order: BudgetOrder, options: CallOptions = {}): Promise<Budgets> {
    return this.#transport.call("$put", "/api/v1/budgets", { json: order }, { ...options, ...REPEATABLE });
  }

  prices(options: CallOptions = {}): Promise<Prices> {
    return this.#transport.call("$get", "/api/v1/prices", {}, options);
  }

  setPrice(order: PriceOrder, options: CallOptions = {}): Promise<Prices> {
    return this.#transport.call("$put", "/api/v1/prices", { json: order }, { ...options, ...REPEATABLE });
  }

  /** Sums over model calls, by run, node, workflow and time. */
  usage(query: UsageFilters = {}, options: CallOptions = {}): Promise<Usage> {
    return this.#transport.call("$get", "/api/v1/usage", { query }, options);
  }
}
