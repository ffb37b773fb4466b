/**
 * The money of a tenant: whether a call fits the budgets, what it reserves, what it came to. All synchronous, so that
 * no two calls are let in by the same remainder.
 */
import type { Price } from "#agent/prices.ts";
import type { CallRecord, CallRequest } from "#agent/spending.ts";
import type { Budget, BudgetScope, BudgetStatus, BudgetView } from "./protocol.ts";

export const NANO = 1_000_000_000;

/** From this share of a budget on its calls carry a warning. */
export const WARNING_SHARE = 0.8;

/** What a lost call is taken to have written while nothing is known of its model. */
const WRITTEN_TOKENS_DEFAULT = 500;

/** A result that comes after its call was given up for lost may still correct it. */
const LOST_KEPT_MS = 24 * 3_600_000;

/** Sums of runs that have long ended; those of workflows and periods stay. */
const RUN_SPEND_KEPT_MS = 60 * 24 * 3_600_000;

export type Fit =
  | { fits: true; warnings: string[] }
  | { fits: false; code: "budget_exceeded" | "model_unpriced" | "wait"; message: string };

type Reservation = {
  call_id: string;
  run_id: string;
  workflow: string | null;
  model: string;
  call: string;
  nano: number;
  input_nano: number;
  output_rate: number;
  at: number;
  lost_at: number | null;
  lost_nano: number;
};

interface Applicable {
  scope: BudgetScope;
  key: string;
  limit: number;
}

export class Ledger {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  isReserved(callId: string): boolean {
    return this.#sql.exec("SELECT 1 FROM reservation WHERE call_id = ?", callId).toArray().length > 0;
  }

  /** Whether the call fits the budgets; nothing is reserved yet. */
  fit(request: CallRequest, price: Price | null, nowMs: number): Fit {
    const budgets = this.#applicable(request, nowMs);
    if (budgets.length === 0 && !request.needs_price) return { fits: true, warnings: [] };
    if (price === null) {
      const message = `what "${request.model}" costs is not known, and a budget applies: set its price with PUT /prices`;
      return { fits: false, code: "model_unpriced", message };
    }
    const warnings: string[] = [];
    for (const { scope, key, limit } of budgets) {
      const { nano: spent } = this.spentBy(scope, key);
      const name = `the budget of ${nameOf(scope, key)}`;
      if (spent >= limit) {
        return {
          fits: false,
          code: "budget_exceeded",
          message: `${name} is used up: ${usd(spent)} of ${usd(limit)} USD`,
        };
      }
      // What others have reserved may come back: then it is decided anew.
      if (spent + this.#reservedBy(scope, key) >= limit) {
        return { fits: false, code: "wait", message: `${name} is reserved by calls under way` };
      }
      if (spent >= limit * WARNING_SHARE)
        warnings.push(`${name} is nearly used up: ${usd(spent)} of ${usd(limit)} USD`);
    }
    return { fits: true, warnings };
  }

  reserve(request: CallRequest, price: Price | null, nowMs: number): void {
    const inputNano = Math.ceil((request.input_tokens * (price?.input ?? 0) * NANO) / 1_000_000);
    const outputRate = ((price?.output ?? 0) * NANO) / 1_000_000;
    this.#sql.exec(
      `INSERT INTO reservation (call_id, run_id, workflow, model, call, nano, input_nano, output_rate, at, expires_at, lost_nano)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
      request.call_id,
      request.run_id,
      request.workflow,
      request.model,
      JSON.stringify({ node: request.node, visit: request.visit, attempt: request.attempt, turn: request.turn }),
      inputNano + Math.ceil(request.output_tokens * outputRate),
      inputNano,
      outputRate,
      nowMs,
      request.expires_at,
    );
  }

  /** What a call came to; false when that was known already. */
  settle(record: CallRecord, nowMs: number): boolean {
    const reservation = this.#sql
      .exec<Reservation>("SELECT * FROM reservation WHERE call_id = ?", record.call_id)
      .toArray()[0];
    if (reservation === undefined) return false;
    this.#sql.exec("DELETE FROM reservation WHERE call_id = ?", record.call_id);
    // Nobody knows the cost of an answer that broke off: then it is what such calls cost.
    const nano = record.cost_usd === null ? this.#usualNano(reservation) : Math.round(record.cost_usd * NANO);
    const assumed = record.cost_usd === null ? nano : 0;
    const { lost_nano: lost } = reservation;
    this.#addSpend(reservation, nano - lost, assumed - lost, reservation.lost_at === null ? 1 : 0, nowMs);
    if (record.output_tokens !== null && record.outcome === "ok")
      this.#learnWritten(record.requested_model, record.output_tokens);
    return true;
  }

  /** Gives up for lost what nobody settled in time, and answers with it. Lost calls are taken to have cost the usual. */
  expire(nowMs: number): CallRecord[] {
    const due = this.#sql
      .exec<Reservation>("SELECT * FROM reservation WHERE lost_at IS NULL AND expires_at <= ?", nowMs)
      .toArray();
    for (const reservation of due) {
      const nano = this.#usualNano(reservation);
      this.#sql.exec(
        "UPDATE reservation SET lost_at = ?, lost_nano = ? WHERE call_id = ?",
        nowMs,
        nano,
        reservation.call_id,
      );
      this.#addSpend(reservation, nano, nano, 1, nowMs);
    }
    this.#sql.exec("DELETE FROM reservation WHERE lost_at <= ?", nowMs - LOST_KEPT_MS);
    this.#sql.exec("DELETE FROM spend WHERE scope = 'run' AND updated_at <= ?", nowMs - RUN_SPEND_KEPT_MS);
    return due.map((reservation) => lostRecord(reservation, this.#usualNano(reservation), nowMs));
  }

  /** When the next reservation is over; null when there is none. */
  nextExpiry(): number | null {
    const row = this.#sql
      .exec<{ at: number | null }>("SELECT min(expires_at) AS at FROM reservation WHERE lost_at IS NULL")
      .one();
    return row.at;
  }

  budgets(nowMs: number): BudgetView[] {
    const rows = this.#sql
      .exec<{ scope: BudgetScope; key: string; limit_nano: number }>("SELECT scope, key, limit_nano FROM budget")
      .toArray();
    return rows.map(({ scope, key, limit_nano: limit }) => {
      const by =
        scope === "day" || scope === "month" ? periodOf(scope, nowMs) : key === "" ? this.#mostSpent(scope) : key;
      const { nano, assumed } = by === null ? { nano: 0, assumed: 0 } : this.spentBy(scope, by);
      const reserved = by === null ? 0 : this.#reservedBy(scope, by);
      return {
        scope,
        key: key === "" ? null : key,
        limit_usd: limit / NANO,
        spent_usd: nano / NANO,
        assumed_usd: assumed / NANO,
        reserved_usd: reserved / NANO,
        spent_by: nano === 0 ? null : by,
        status: statusOf(nano, limit),
      };
    });
  }

  countBudgets(): number {
    return this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM budget").one().count;
  }

  hasBudget({ scope, key }: Omit<Budget, "limit_usd">): boolean {
    return this.#limitOf(scope, key ?? "") !== null;
  }

  setBudget({ scope, key, limit_usd: limit }: Budget, nowMs: number): void {
    this.#sql.exec(
      `INSERT INTO budget (scope, key, limit_nano, updated_at) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (scope, key) DO UPDATE SET limit_nano = ?3, updated_at = ?4`,
      scope,
      key ?? "",
      Math.round(limit * NANO),
      nowMs,
    );
  }

  removeBudget({ scope, key }: Omit<Budget, "limit_usd">): void {
    this.#sql.exec("DELETE FROM budget WHERE scope = ? AND key = ?", scope, key ?? "");
  }

  spentBy(scope: BudgetScope, key: string): { nano: number; assumed: number } {
    const row = this.#sql
      .exec<{ nano: number; assumed: number }>(
        "SELECT nano, assumed_nano AS assumed FROM spend WHERE scope = ? AND key = ?",
        scope,
        key,
      )
      .toArray()[0];
    return row ?? { nano: 0, assumed: 0 };
  }

  #applicable(request: CallRequest, nowMs: number): Applicable[] {
    const found: Applicable[] = [];
    const add = (scope: BudgetScope, key: string, limit: number | null) => {
      if (limit !== null) found.push({ scope, key, limit });
    };
    // One's own budget stands for the one that each has.
    const { run_id: run, workflow } = request;
    add("run", run, this.#limitOf("run", run) ?? this.#limitOf("run", ""));
    if (workflow !== null)
      add("workflow", workflow, this.#limitOf("workflow", workflow) ?? this.#limitOf("workflow", ""));
    add("day", periodOf("day", nowMs), this.#limitOf("day", ""));
    add("month", periodOf("month", nowMs), this.#limitOf("month", ""));
    return found;
  }

  #limitOf(scope: BudgetScope, key: string): number | null {
    const row = this.#sql
      .exec<{ limit_nano: number }>("SELECT limit_nano FROM budget WHERE scope = ? AND key = ?", scope, key)
      .toArray()[0];
    return row?.limit_nano ?? null;
  }

  #mostSpent(scope: BudgetScope): string | null {
    const row = this.#sql
      .exec<{ key: string }>("SELECT key FROM spend WHERE scope = ? ORDER BY nano DESC LIMIT 1", scope)
      .toArray()[0];
    return row?.key ?? null;
  }

  #reservedBy(scope: BudgetScope, key: string): number {
    const where = scope === "run" ? "AND run_id = ?" : scope === "workflow" ? "AND workflow = ?" : "AND ? = ?";
    const keys = scope === "run" || scope === "workflow" ? [key] : [key, key];
    const query = `SELECT coalesce(sum(nano), 0) AS nano FROM reservation WHERE lost_at IS NULL ${where}`;
    return this.#sql.exec<{ nano: number }>(query, ...keys).one().nano;
  }

  #addSpend(of: Reservation, nano: number, assumed: number, calls: number, nowMs: number): void {
    const entries: [BudgetScope, string][] = [
      ["run", of.run_id],
      // A call belongs to the period in which it began.
      ["day", periodOf("day", of.at)],
      ["month", periodOf("month", of.at)],
    ];
    if (of.workflow !== null) entries.push(["workflow", of.workflow]);
    for (const [scope, key] of entries) {
      this.#sql.exec(
        `INSERT INTO spend (scope, key, nano, assumed_nano, calls, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (scope, key) DO UPDATE SET nano = nano + ?3, assumed_nano = assumed_nano + ?4, calls = calls + ?5,
           updated_at = ?6`,
        scope,
        key,
        nano,
        assumed,
        calls,
        nowMs,
      );
    }
  }

  /** What a call of this kind costs as a rule, and never more than it reserved. */
  #usualNano({ model, nano, input_nano: inputNano, output_rate: outputRate }: Reservation): number {
    const row = this.#sql
      .exec<{ calls: number; tokens: number }>("SELECT calls, tokens FROM written WHERE model = ?", model)
      .toArray()[0];
    const tokens = row === undefined ? WRITTEN_TOKENS_DEFAULT : row.tokens / row.calls;
    return Math.min(nano, inputNano + Math.ceil(tokens * outputRate));
  }

  #learnWritten(model: string, tokens: number): void {
    this.#sql.exec(
      `INSERT INTO written (model, calls, tokens) VALUES (?1, 1, ?2)
       ON CONFLICT (model) DO UPDATE SET calls = calls + 1, tokens = tokens + ?2`,
      model,
      tokens,
    );
  }
}

/** The day or month in UTC that a time lies in, as "2026-11-23" or "2026-11". */
export function periodOf(scope: "day" | "month", atMs: number): string {
  return new Date(atMs).toISOString().slice(0, scope === "day" ? 10 : 7);
}

function statusOf(spent: number, limit: number): BudgetStatus {
  if (spent >= limit) return "exceeded";
  return spent >= limit * WARNING_SHARE ? "warning" : "ok";
}

function nameOf(scope: BudgetScope, key: string): string {
  return scope === "day" || scope === "month" ? `the ${scope} ${key}` : `the ${scope} "${key}"`;
}

function usd(nano: number): string {
  return (nano / NANO).toFixed(6);
}

/** The row of a call whose worker was lost. */
function lostRecord(reservation: Reservation, nano: number, nowMs: number): CallRecord {
  const call = JSON.parse(reservation.call) as Pick<CallRecord, "node" | "visit" | "attempt" | "turn">;
  return {
    ...call,
    call_id: reservation.call_id,
    run_id: reservation.run_id,
    workflow: reservation.workflow,
    at: reservation.at,
    duration_ms: nowMs - reservation.at,
    provider: "unknown",
    requested_model: reservation.model,
    answered_model: null,
    input_tokens: null,
    cached_tokens: null,
    cache_write_tokens: null,
    output_tokens: null,
    reasoning_tokens: null,
    cost_usd: nano / NANO,
    price_version: "assumed",
    time_to_first_token_ms: null,
    finish_reason: null,
    tool_calls: 0,
    outcome: "lost",
    http_status: null,
  };
}
