/** The stateless playground: judge a value, an expression, a template or a patch without running anything. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { judgeUrl } from "#http/url-guard.ts";
import type { Json } from "#kernel/json.ts";
import { applyPatch } from "#workflow/patch.ts";
import { evaluateCel, renderTemplate, transformValue } from "../playground.ts";
import { BASE_PATH, json, protectedRoute, refuse } from "../route.ts";
import type { AppEnv } from "../services.ts";

const anyJson = z
  .unknown()
  .refine((value) => value !== undefined, "is required")
  .openapi({ description: "any JSON" });
const variables = z.record(z.string(), z.unknown()).optional();

const result = z.object({ result: z.unknown() }).openapi("EvalResult");

/** A route of the playground: same answer, errors of what was sent are 422. */
function playground<const Name extends string, Schema extends z.ZodType>(name: Name, summary: string, schema: Schema) {
  return protectedRoute("read", {
    method: "post",
    path: `${BASE_PATH}/eval/${name}`,
    tags: ["playground"],
    summary,
    request: { body: { ...json(schema, "what to evaluate"), required: true } },
    responses: { 200: json(result, "the value") },
  });
}

const evalCel = playground(
  "cel",
  "Evaluate a CEL expression; `variables` are those it names, `output` also as `$`",
  z.strictObject({ expression: z.string(), variables }).openapi("EvalCel"),
);

const evalTransform = playground(
  "transform",
  "What a transform node would give for an input",
  z
    .strictObject({ expression: z.string(), language: z.enum(["cel", "jmespath"]).default("cel"), input: anyJson })
    .openapi("EvalTransform"),
);

const evalTemplate = playground(
  "template",
  "Fill in a template; `variables` are inputs, nodes (outputs by id), run, iteration, item and index",
  z.strictObject({ template: anyJson, variables }).openapi("EvalTemplate"),
);

const evalPatch = playground(
  "patch",
  "Apply JSON Patch operations (RFC 6902), all or none",
  z.strictObject({ document: anyJson, operations: z.array(z.unknown()) }).openapi("EvalPatch"),
);

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

export const evalRoutes = new OpenAPIHono<AppEnv>()
  .openapi(evalCel, (context) => {
    const { expression, variables: given = {} } = context.req.valid("json");
    const value = evaluateCel(expression, given as Record<string, Json>);
    return value.ok ? context.json({ result: value.value as unknown }, 200) : refuse(value.error);
  })
  .openapi(evalTransform, (context) => {
    const { expression, language, input } = context.req.valid("json");
    const value = transformValue(expression, language, input as Json);
    return value.ok ? context.json({ result: value.value as unknown }, 200) : refuse(value.error);
  })
  .openapi(evalTemplate, (context) => {
    const { template, variables: given = {} } = context.req.valid("json");
    const value = renderTemplate(template as Json, given as Record<string, Json>);
    return value.ok ? context.json({ result: value.value as unknown }, 200) : refuse(value.error);
  })
  .openapi(evalPatch, (context) => {
    const { document, operations } = context.req.valid("json");
    const value = applyPatch(document as Json, operations);
    if (value.ok) return context.json({ result: value.value as unknown }, 200);
    return refuse(value.error.map((problem) => ({ ...problem, pointer: `/operations${problem.pointer}` })));
  })
  .openapi(evalUrl, (context) => {
    const verdict = judgeUrl(context.req.valid("json").url, context.get("services").urlPolicy);
    return verdict.allowed
      ? context.json({ allowed: true, reason: null, message: null }, 200)
      : context.json({ allowed: false, reason: verdict.reason, message: verdict.message }, 200);
  });
