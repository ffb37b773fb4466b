/** Analytics: SQL over points, what the datasets hold, and the named panels behind the dashboard. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { isOperator } from "#access/scopes.ts";
import { ApiError } from "#kernel/errors.ts";
import { answerSql } from "#telemetry/analytics/backend.ts";
import { COLUMN_MAP_VERSION, columnsOf, DATASET_NAMES, DATASETS } from "#telemetry/analytics/columns.ts";
import { MEDIA_TYPES } from "#telemetry/analytics/format.ts";
import { typeName } from "#telemetry/analytics/sql-types.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const sqlResult = z
  .object({
    meta: z.array(z.object({ name: z.string(), type: z.string() })),
    data: z.array(z.record(z.string(), z.unknown())),
    rows: z.number().int(),
  })
  .openapi("SqlResult");

const runSql = protectedRoute(
  "read",
  {
    method: "post",
    path: `${BASE_PATH}/analytics/sql`,
    tags: ["analytics"],
    summary: "Run a query in the dialect of Analytics Engine; readable column names work as well",
    description:
      "The body is the query as text. An operator sees all tenants, everybody else the points of their tenant alone. " +
      "`FORMAT JSONEachRow` and `FORMAT TabSeparated` answer as text.",
    request: { body: { required: true, content: { "text/plain": { schema: z.string() } } } },
    responses: {
      200: {
        description: "the rows",
        content: {
          "application/json": { schema: sqlResult },
          "application/x-ndjson": { schema: z.string() },
          "text/tab-separated-values": { schema: z.string() },
        },
      },
    },
  },
  ["unavailable"],
);

const column = z.object({
  name: z.string(),
  alias: z.string().nullable(),
  type: z.string(),
  description: z.string(),
});

const datasets = z
  .object({
    version: z.number().int(),
    items: z.array(z.object({ name: z.string(), description: z.string(), columns: z.array(column) })),
  })
  .openapi("Datasets");

const listDatasets = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/analytics/datasets`,
  tags: ["analytics"],
  summary: "The datasets, and what each of their columns means",
  responses: { 200: json(datasets, "the column map") },
});

export const analyticsRoutes = new OpenAPIHono<AppEnv>();

analyticsRoutes.openapi(runSql, async (context) => {
  const { analytics } = context.get("services");
  const principal = context.get("principal");
  if (analytics === null) {
    throw new ApiError("unavailable", "set CLOUDFLARE_ACCOUNT_ID and the secret CLOUDFLARE_API_TOKEN to run queries");
  }
  const tenant = isOperator(principal) ? null : principal.tenant;
  const answer = await answerSql(await context.req.text(), tenant, analytics, Date.now());
  if (!answer.ok) {
    const { message, line, column: at } = answer.error;
    throw new ApiError("invalid", message, { details: [{ pointer: "", message, line, column: at }] });
  }
  const { text, format } = answer.value;
  return context.body(text, 200, { "Content-Type": MEDIA_TYPES[format] }) as never;
});

analyticsRoutes.openapi(listDatasets, (context) => {
  const items = DATASET_NAMES.map((name) => {
    const dataset = DATASETS[name];
    const columns = columnsOf(dataset).map(({ type, ...rest }) => ({ ...rest, type: typeName(type) }));
    return { name, description: dataset.description, columns };
  });
  return context.json({ version: COLUMN_MAP_VERSION, items }, 200);
});
