/** The database, for the operator: its size, its tables, and the statements that take most of its time. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { rfc3339 } from "#kernel/clock.ts";
import { DATABASE_BYTES_MAX, surveyDatabase } from "#store/database-survey.ts";
import { STATEMENTS_MAX } from "#store/statement-statistics.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv, Services } from "../services.ts";

const SLOWEST_OF_DATABASE = 10;
const LIMIT_DEFAULT = 20;

const statement = z
  .object({
    statement: z.string(),
    calls: z.number(),
    errors: z.number(),
    total_ms: z.number(),
    mean_ms: z.number(),
    max_ms: z.number(),
    rows_read: z.number(),
    rows_written: z.number(),
  })
  .openapi("Statement");

const statements = z.object({
  scope: z.literal("isolate").openapi({ description: "what the isolate that answers has seen since `since`" }),
  since: z.string().nullable(),
  items: z.array(statement),
});

const database = z
  .object({
    size_bytes: z.number(),
    size_limit_bytes: z.number().openapi({ description: "what the platform lets a D1 database hold" }),
    used_ratio: z.number(),
    tables: z.array(
      z.object({
        name: z.string(),
        rows: z.number(),
        is_more: z.boolean().openapi({ description: "rows were counted up to a bound" }),
      }),
    ),
    slowest: statements,
  })
  .openapi("Database");

const getDatabase = protectedRoute("operator", {
  method: "get",
  path: `${BASE_PATH}/admin/database`,
  tags: ["admin"],
  summary: "Size of D1, rows of each table, and the statements that took most time",
  responses: { 200: json(database, "as it is now") },
});

const getSlowQueries = protectedRoute("operator", {
  method: "get",
  path: `${BASE_PATH}/admin/slow-queries`,
  tags: ["admin"],
  summary: "Statements to D1 by the time that they took in all, as this isolate has seen them",
  description:
    "Statements of all isolates, over days, are in the platform's own figures: `wrangler d1 insights weir`. One that takes longer than half a second is also a line in the log.",
  request: {
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(STATEMENTS_MAX).default(LIMIT_DEFAULT) }),
  },
  responses: { 200: json(statements.openapi("SlowQueries"), "the busiest first") },
});

export const adminDatabaseRoutes = new OpenAPIHono<AppEnv>()
  .openapi(getDatabase, async (context) => {
    const services = context.get("services");
    const { sizeBytes, tables } = await surveyDatabase(services.d1);
    return context.json(
      {
        size_bytes: sizeBytes,
        size_limit_bytes: DATABASE_BYTES_MAX,
        used_ratio: sizeBytes / DATABASE_BYTES_MAX,
        tables: tables.map(({ name, rows, isMore }) => ({ name, rows, is_more: isMore })),
        slowest: slowest(services, SLOWEST_OF_DATABASE),
      },
      200,
    );
  })
  .openapi(getSlowQueries, (context) => {
    const { limit } = context.req.valid("query");
    return context.json(slowest(context.get("services"), limit), 200);
  });

function slowest({ statements: seen }: Services, limit: number): z.infer<typeof statements> {
  const since = seen.since === null ? null : rfc3339(seen.since);
  return { scope: "isolate", since, items: seen.slowest(limit) };
}
