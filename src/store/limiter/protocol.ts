/** What a tenant's limiter can be asked, and what it answers. Additive only: old and new code run side by side for minutes. */
import type { Price } from "#agent/prices.ts";
import type { Admission, CallRequest, Settlement } from "#agent/spending.ts";

export const BUDGET_SCOPES = ["run", "workflow", "day", "month"] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];

/** `key`: one run or one workflow; null: each of them, or the tenant as a whole where the scope is a period. */
export interface Budget {
  scope: BudgetScope;
  key: string | null;
  limit_usd: number;
}

export const BUDGET_STATUSES = ["ok", "warning", "exceeded"] as const;
export type BudgetStatus = (typeof BUDGET_STATUSES)[number];

export interface BudgetView extends Budget {
  /** Of the one that has spent most, where the budget is each one's. */
  spent_usd: number;
  /** The part of it that calls whose end nobody heard of are taken to have cost. */
  assumed_usd: number;
  /** For calls under way. */
  reserved_usd: number;
  /** What `spent_usd` is of: the run, the workflow, the day, the month; null: nothing was spent. */
  spent_by: string | null;
  status: BudgetStatus;
}

export interface SetPrice extends Price {
  model: string;
}

/** The tenant comes first in every call; the object holds no other's. */
export interface LimiterRpc {
  admit(tenant: string, request: CallRequest): Promise<Admission>;
  settle(tenant: string, settlement: Settlement): Promise<void>;
  budgets(tenant: string): Promise<BudgetView[]>;
  /** `limit_usd` null takes the budget away. Null when there is no room for another. */
  setBudget(
    tenant: string,
    budget: Omit<Budget, "limit_usd"> & { limit_usd: number | null },
  ): Promise<BudgetView[] | null>;
  prices(tenant: string): Promise<SetPrice[]>;
  /** `price` null takes it away. False when there is no room for another. */
  setPrice(tenant: string, model: string, price: Price | null): Promise<boolean>;
}
