/** JSON Schemas for editors, open to all: they say how a document is written, nothing of what is stored. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { sha256 } from "#store/content-address.ts";
import { workflowJsonSchema } from "#workflow/document-schema.ts";
import { isFresh } from "../etag.ts";
import { errorResponses } from "../route.ts";
import type { AppEnv } from "../services.ts";

/** It changes with a deployment alone, and an editor that learns of it an hour later loses nothing. */
const CACHED = "public, max-age=3600";

const getWorkflowSchema = createRoute({
  method: "get",
  path: "/schemas/workflow.json",
  tags: ["description"],
  summary: "JSON Schema (draft 7) of a workflow file, for editors; name it as `$schema` in the file",
  responses: {
    200: {
      description: "the schema",
      content: { "application/schema+json": { schema: z.looseObject({}) } },
    },
    304: { description: "the caller has it: `If-None-Match` names its ETag" },
    ...errorResponses(["internal"]),
  },
});

let served: Promise<{ text: string; etag: string }> | undefined;

export const schemaRoutes = new OpenAPIHono<AppEnv>().openapi(getWorkflowSchema, async (context) => {
  served ??= serve();
  const { text, etag } = await served;
  // Editors that run in a browser ask from another origin.
  const headers = { ETag: etag, "Cache-Control": CACHED, "Access-Control-Allow-Origin": "*" };
  if (isFresh(context.req.header("If-None-Match"), etag)) return context.body(null, 304, headers);
  return context.body(text, 200, { ...headers, "Content-Type": "application/schema+json" });
});

async function serve() {
  const text = JSON.stringify(workflowJsonSchema());
  return { text, etag: `"${await sha256(text)}"` };
}
