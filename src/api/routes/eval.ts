/** The stateless playground: judge a value without running anything. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { judgeUrl } from "#http/url-guard.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const evalUrl = protectedRoute("read", {
  method: "post",
  path: `${BASE_PATH}/eval/url`,
  tags: ["playground"],
  summary: "Whether an HTTP node may call a URL, judged by the URL alone: no DNS, no connection",
  request: { body: { ...json(z.strictObject({ url: z.string() }).openapi("EvalUrl"), "the URL"), required: true } },
  responses: {
    200: json(
      z
        .object({ allowed: z.boolean(), reason: z.string().nullable(), message: z.string().nullable() })
        .openapi("UrlVerdict"),
      "the verdict",
    ),
  },
});

export const evalRoutes = new OpenAPIHono<AppEnv>().openapi(evalUrl, (context) => {
  const verdict = judgeUrl(context.req.valid("json").url, context.get("services").urlPolicy);
  return verdict.allowed
    ? context.json({ allowed: true, reason: null, message: null }, 200)
    : context.json({ allowed: false, reason: verdict.reason, message: verdict.message }, 200);
});
