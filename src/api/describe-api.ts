/** What the API says of itself: the OpenAPI document of the schemas that validate, and a page for people. Open to all. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { sha256 } from "#store/content-address.ts";
import { renderDocs } from "./docs-page.ts";
import { isFresh } from "./etag.ts";
import { pageHeaders } from "./html-page.ts";
import { errorResponses } from "./route.ts";
import type { AppEnv } from "./services.ts";

/** Asked for again each time, sent only when it has changed: the document changes with a deployment alone. */
const REVALIDATED = "public, max-age=0, must-revalidate";

interface Served {
  text: string;
  headers: Record<string, string>;
}

const notModified = { description: "the caller has it: `If-None-Match` names its ETag" };

const getDocument = createRoute({
  method: "get",
  path: "/openapi.json",
  tags: ["description"],
  summary: "This description, as OpenAPI 3.1",
  responses: {
    200: { description: "the document", content: { "application/json": { schema: z.looseObject({}) } } },
    304: notModified,
    ...errorResponses(["internal"]),
  },
});

const getDocs = createRoute({
  method: "get",
  path: "/docs",
  tags: ["description"],
  summary: "This description, as a page to read",
  responses: {
    200: { description: "the page", content: { "text/html": { schema: z.string() } } },
    304: notModified,
    ...errorResponses(["internal"]),
  },
});

/** Adds the routes; to be called after all others, which it describes. */
export function describeApi(app: OpenAPIHono<AppEnv>): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "key", { type: "http", scheme: "bearer" });
  const documentOf = (version: string) =>
    app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: {
        title: "Weir",
        version,
        description: "Runs agentic workflows on Cloudflare's edge and measures every one of them.",
      },
    });

  let document: Promise<Served> | undefined;
  let page: Promise<Served> | undefined;
  app.openapi(getDocument, async (context) => {
    document ??= serve(JSON.stringify(documentOf(context.get("services").version)), {
      "Content-Type": "application/json",
    });
    return answer(context, await document);
  });
  app.openapi(getDocs, async (context) => {
    if (page === undefined) {
      const { html, style } = renderDocs(documentOf(context.get("services").version));
      page = serve(html, await pageHeaders(style));
    }
    return answer(context, await page);
  });
}

async function serve(text: string, headers: Record<string, string>): Promise<Served> {
  return { text, headers: { ...headers, ETag: `"${await sha256(text)}"`, "Cache-Control": REVALIDATED } };
}

function answer(context: Context<AppEnv>, { text, headers }: Served) {
  const { ETag: etag = "" } = headers;
  const isKnown = isFresh(context.req.header("If-None-Match"), etag);
  return isKnown ? context.body(null, 304, headers) : context.body(text, 200, headers);
}
