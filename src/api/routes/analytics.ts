/** Analytics: SQL over points, what the datasets hold, and the named panels behind the dashboard. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { ApiError } from "#kernel/errors.ts";
import { COLUMN_MAP_VERSION, columnsOf, DATASET_NAMES, DATASETS } from "#telemetry/analytics/columns.ts";
import { MEDIA_TYPES } from "#telemetry/analytics/format.ts";
import { PANELS, panelOf } from "#telemetry/analytics/panels.ts";
import { typeName } from "#telemetry/analytics/sql-types.ts";
import { parseWindow } from "#telemetry/analytics/time-window.ts";
import { BASE_PATH, invalid, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";
import { answerFor } from "../tenant-sql.ts";

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

const panelInfo = z.object({
  name: z.string(),
  title: z.string(),
  queries: z.array(z.object({ name: z.string(), title: z.string(), unit: z.string() })),
});

const listPanels = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/analytics/panels`,
  tags: ["analytics"],
  summary: "The named panels of the dashboard",
  responses: { 200: json(z.object({ items: z.array(panelInfo) }).openapi("Panels"), "their names and queries") },
});

const panelAnswer = z
  .object({
    name: z.string(),
    title: z.string(),
    window_s: z.number().int(),
    step_s: z.number().int(),
    as_of: z.string(),
    queries: z.array(
      sqlResult
        .extend({ name: z.string(), title: z.string(), unit: z.string(), sql: z.string() })
        .openapi("PanelQuery"),
    ),
  })
  .openapi("Panel");

const readPanel = protectedRoute(
  "read",
  {
    method: "get",
    path: `${BASE_PATH}/analytics/panels/{name}`,
    tags: ["analytics"],
    summary: "The queries of a panel over the last minutes, hours or days",
    request: {
      params: z.object({ name: z.string() }),
      query: z.strictObject({ window: z.string().max(20).default("1h") }),
    },
    responses: { 200: json(panelAnswer, "the panel") },
  },
  ["unavailable"],
);

export const analyticsRoutes = new OpenAPIHono<AppEnv>();

analyticsRoutes.openapi(runSql, async (context) => {
  const { text, format } = await answerFor(context, await context.req.text());
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

analyticsRoutes.openapi(listPanels, (context) => {
  const items = PANELS.map(({ name, title, queries }) => ({
    name,
    title,
    queries: queries.map((query) => ({ name: query.name, title: query.title, unit: query.unit })),
  }));
  return context.json({ items }, 200);
});

analyticsRoutes.openapi(readPanel, async (context) => {
  const { name } = context.req.valid("param");
  const panel = panelOf(name);
  if (panel === null) throw new ApiError("not_found", `there is no panel "${name.slice(0, 100)}"`);
  const window = parseWindow(context.req.valid("query").window);
  if (window === null) throw invalid("/window", "is written 15m, 6h or 7d, and is 90d at most");
  const asOf = new Date().toISOString();
  const queries = await Promise.all(
    panel.queries.map(async ({ name: queryName, title, unit, sql }) => {
      const text = sql(window);
      const answer = JSON.parse((await answerFor(context, text)).text) as z.infer<typeof sqlResult>;
      return { name: queryName, title, unit, sql: text, ...answer };
    }),
  );
  const { title } = panel;
  return context.json({ name, title, window_s: window.seconds, step_s: window.stepSeconds, as_of: asOf, queries }, 200);
});
