/** The registry of node types, for editors and for those who write workflows. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { NODE_KINDS, NODE_TYPE_STATUSES, NODE_TYPES } from "#workflow/node-types.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const nodeType = z
  .object({
    type: z.string(),
    label: z.string(),
    category: z.string(),
    kind: z.enum(NODE_KINDS),
    status: z.enum(NODE_TYPE_STATUSES),
    config_schema: z
      .record(z.string(), z.unknown())
      .openapi({ description: "JSON Schema (2020-12) of `config`, before templates are filled in" }),
    expressions: z.array(z.string()).openapi({ description: "keys of `config` that are expressions, not templates" }),
    outputs: z.string(),
  })
  .openapi("NodeType");

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/node-types`,
  tags: ["workflows"],
  summary: "What nodes there are, what each is configured with and what it gives",
  responses: { 200: json(z.object({ items: z.array(nodeType) }), "all of them") },
});

let items: z.infer<typeof nodeType>[] | undefined;

export const nodeTypeRoutes = new OpenAPIHono<AppEnv>().openapi(list, (context) => {
  items ??= [...NODE_TYPES.values()].map((type) => ({
    type: type.type,
    label: type.label,
    category: type.category,
    kind: type.kind,
    status: type.status,
    config_schema: z.toJSONSchema(type.config, { io: "input", unrepresentable: "any" }) as Record<string, unknown>,
    expressions: [...type.literalKeys],
    outputs: type.outputs,
  }));
  return context.json({ items }, 200);
});
