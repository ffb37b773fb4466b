/** What a tenant's model calls may cost: budgets and what is used of them, prices that the shipped table does not know. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { PRICE_VERSION } from "#agent/prices.ts";
import { ApiError } from "#kernel/errors.ts";
import { BUDGET_SCOPES, BUDGET_STATUSES, type BudgetView } from "#store/limiter/protocol.ts";
import { BUDGET_USD_MAX, MODEL_NAME_LENGTH_MAX, PRICE_USD_MAX, WORKFLOW_NAME_LENGTH_MAX } from "../limits.ts";
import { BASE_PATH, invalid, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const budget = z
  .object({
    scope: z.enum(BUDGET_SCOPES),
    key: z.string().nullable().openapi({ description: "a run or a workflow; null: each of them, or the tenant" }),
    limit_usd: z.number(),
    spent_usd: z.number().openapi({ description: "of the one that has spent most, where the budget is each one's" }),
    assumed_usd: z.number().openapi({ description: "the part that calls whose end nobody heard of usually cost" }),
    reserved_usd: z.number().openapi({ description: "for calls under way" }),
    spent_by: z.string().nullable(),
    status: z.enum(BUDGET_STATUSES),
  })
  .openapi("Budget");

const budgets = z.object({ items: z.array(budget) });

const putBudgetBody = z
  .strictObject({
    scope: z.enum(BUDGET_SCOPES),
    key: z.string().min(1).max(WORKFLOW_NAME_LENGTH_MAX).optional(),
    limit_usd: z
      .number()
      .min(0)
      .max(BUDGET_USD_MAX)
      .nullable()
      .openapi({ description: "null takes the budget away; what was spent stays known" }),
  })
  .openapi("PutBudget");

const usdPerMtok = z.number().min(0).max(PRICE_USD_MAX);

const price = z
  .object({
    model: z.string(),
    input_usd_per_mtok: z.number(),
    cached_usd_per_mtok: z.number(),
    cache_write_usd_per_mtok: z.number(),
    output_usd_per_mtok: z.number(),
  })
  .openapi("Price");

const prices = z.object({
  price_version: z.string().openapi({ description: "the shipped table, for every model that is not in the list" }),
  items: z.array(price),
});

const putPriceBody = z
  .strictObject({
    model: z.string().min(1).max(MODEL_NAME_LENGTH_MAX),
    price: z
      .strictObject({
        input_usd_per_mtok: usdPerMtok,
        cached_usd_per_mtok: usdPerMtok.optional().openapi({ description: "as the input when left out" }),
        cache_write_usd_per_mtok: usdPerMtok.optional().openapi({ description: "as the input when left out" }),
        output_usd_per_mtok: usdPerMtok,
      })
      .nullable()
      .openapi({ description: "null takes it away" }),
  })
  .openapi("PutPrice");

const getBudgets = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/budgets`,
  tags: ["money"],
  summary: "Budgets of the tenant and what is used of them",
  responses: { 200: json(budgets, "all of them") },
});

const putBudget = protectedRoute(
  "admin",
  {
    method: "put",
    path: `${BASE_PATH}/budgets`,
    tags: ["money"],
    summary: "Set what model calls may cost: of each run or workflow, of one, of a day or a month (UTC)",
    request: { body: { ...json(putBudgetBody, "the budget"), required: true } },
    responses: { 200: json(budgets, "all of them, as they are now") },
  },
  ["conflict"],
);

const getPrices = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/prices`,
  tags: ["money"],
  summary: "Prices that the tenant has set for models",
  responses: { 200: json(prices, "all of them") },
});

const putPrice = protectedRoute(
  "admin",
  {
    method: "put",
    path: `${BASE_PATH}/prices`,
    tags: ["money"],
    summary: "Set what a model costs, in USD a million tokens",
    request: { body: { ...json(putPriceBody, "the model and its price"), required: true } },
    responses: { 200: json(prices, "all of them, as they are now") },
  },
  ["conflict"],
);

export const budgetRoutes = new OpenAPIHono<AppEnv>()
  .openapi(getBudgets, async (context) => {
    const { tenant } = context.get("principal");
    const items = await context.get("services").limiters.call(tenant, (limiter) => limiter.budgets(tenant));
    return context.json({ items: inOrder(items) }, 200);
  })
  .openapi(putBudget, async (context) => {
    const { tenant } = context.get("principal");
    const { scope, key = null, limit_usd } = context.req.valid("json");
    if (key !== null && (scope === "day" || scope === "month")) {
      throw invalid("/key", `the budget of a ${scope} is the tenant's: leave "key" out`);
    }
    const { limiters } = context.get("services");
    const items = await limiters.call(tenant, (limiter) => limiter.setBudget(tenant, { scope, key, limit_usd }));
    if (items === null) throw new ApiError("conflict", "the tenant has all the budgets it may have; take some away");
    return context.json({ items: inOrder(items) }, 200);
  })
  .openapi(getPrices, async (context) => {
    const { tenant } = context.get("principal");
    return context.json(await pricesOf(context.get("services").limiters, tenant), 200);
  })
  .openapi(putPrice, async (context) => {
    const { tenant } = context.get("principal");
    const { model, price: wanted } = context.req.valid("json");
    const { limiters } = context.get("services");
    const set =
      wanted === null
        ? null
        : {
            input: wanted.input_usd_per_mtok,
            cached: wanted.cached_usd_per_mtok ?? wanted.input_usd_per_mtok,
            cacheWrite: wanted.cache_write_usd_per_mtok ?? wanted.input_usd_per_mtok,
            output: wanted.output_usd_per_mtok,
          };
    const isSet = await limiters.call(tenant, (limiter) => limiter.setPrice(tenant, model, set));
    if (!isSet) throw new ApiError("conflict", "the tenant has all the prices it may have; take some away");
    return context.json(await pricesOf(limiters, tenant), 200);
  });

async function pricesOf(limiters: AppEnv["Variables"]["services"]["limiters"], tenant: string) {
  const items = await limiters.call(tenant, (limiter) => limiter.prices(tenant));
  return {
    price_version: PRICE_VERSION,
    items: items.map(({ model, input, cached, cacheWrite, output }) => ({
      model,
      input_usd_per_mtok: input,
      cached_usd_per_mtok: cached,
      cache_write_usd_per_mtok: cacheWrite,
      output_usd_per_mtok: output,
    })),
  };
}

function inOrder(items: readonly BudgetView[]): BudgetView[] {
  const place = ({ scope, key }: BudgetView) => `${BUDGET_SCOPES.indexOf(scope)} ${key ?? ""}`;
  return [...items].sort((left, right) => (place(left) < place(right) ? -1 : 1));
}
