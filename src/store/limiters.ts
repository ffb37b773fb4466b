/** The way to the limiter of a tenant, and what agents see of it. */
import type { Admission, CallRequest, Settlement, Spending } from "#agent/spending.ts";
import type { LimiterRpc } from "./limiter/protocol.ts";
import { type CallTold, callObject } from "./object-call.ts";

export interface LimiterNamespace {
  getByName(name: string): LimiterRpc;
}

export class Limiters {
  readonly #namespace: LimiterNamespace;
  readonly #told: CallTold | undefined;

  constructor(namespace: LimiterNamespace, told?: CallTold) {
    this.#namespace = namespace;
    this.#told = told;
  }

  call<Value>(tenant: string, ask: (limiter: LimiterRpc) => Promise<Value>): Promise<Value> {
    return callObject(() => this.#namespace.getByName(tenant), ask, "the limiter", this.#told);
  }

  /** The port that the agents of a tenant spend by. */
  spendingOf(tenant: string): Spending {
    return {
      admit: (request: CallRequest): Promise<Admission> =>
        this.call(tenant, (limiter) => limiter.admit(tenant, request)),
      settle: (settlement: Settlement): Promise<void> =>
        this.call(tenant, (limiter) => limiter.settle(tenant, settlement)),
    };
  }
}
