/** The configuration that this deployment runs with, for the operator, without its secrets. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const config = z
  .object({
    version: z.string(),
    runtime: z.enum(["cloudflare", "local"]),
    variables: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.null()]))
      .openapi({ description: "as they are understood, defaults filled in" }),
    secrets: z.record(z.string(), z.enum(["set", "not set"])),
    bindings: z.record(z.string(), z.string()).openapi({ description: "by name, what each is" }),
  })
  .openapi("Config");

const get = protectedRoute("operator", {
  method: "get",
  path: `${BASE_PATH}/admin/config`,
  tags: ["admin"],
  summary: "Variables as this deployment understands them, which secrets are set, and its bindings",
  responses: { 200: json(config, "redacted") },
});

export const adminConfigRoutes = new OpenAPIHono<AppEnv>().openapi(get, (context) =>
  context.json(context.get("services").describeConfig(), 200),
);
