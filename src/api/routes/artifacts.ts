/** Content by its address: never changes, so whoever has it may keep it. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ApiError } from "#kernel/errors.ts";
import { canonicalJson } from "#kernel/json.ts";
import { isFresh } from "../etag.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";
import { definitionDocument } from "../workflow-schemas.ts";

/** A year, and nobody asks again before: for the key's owner alone, since content belongs to a tenant. */
const IMMUTABLE = "private, max-age=31536000, immutable";

const SHA256 = /^[0-9a-f]{64}$/;

const notModified = { description: "the caller has it: `If-None-Match` names its ETag" };
const ifNoneMatch = z.object({ "if-none-match": z.string().optional() });

const getArtifact = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/artifacts/{id}`,
  tags: ["artifacts"],
  summary: "A workflow definition by its artifact id, `sha256:…`",
  request: { params: z.object({ id: z.string() }), headers: ifNoneMatch },
  responses: { 200: json(definitionDocument, "the definition"), 304: notModified },
});

const getContent = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/cas/{sha256}`,
  tags: ["artifacts"],
  summary: "Content by the SHA-256 of its bytes in hex: canonical JSON (RFC 8785)",
  request: { params: z.object({ sha256: z.string() }), headers: ifNoneMatch },
  responses: { 200: json(z.unknown(), "the very bytes that the address is of"), 304: notModified },
});

export const artifactRoutes = new OpenAPIHono<AppEnv>()
  .openapi(getArtifact, async (context) => {
    const { id } = context.req.valid("param");
    return answer(
      context,
      id.startsWith("sha256:") ? id.slice("sha256:".length) : "",
      `artifact "${id.slice(0, 100)}"`,
    );
  })
  .openapi(getContent, async (context) => {
    const { sha256 } = context.req.valid("param");
    return answer(context, sha256, `content "${sha256.slice(0, 100)}"`);
  });

async function answer(context: Context<AppEnv>, hex: string, name: string) {
  const { workflows } = context.get("services");
  const id = `sha256:${hex}`;
  const content = SHA256.test(hex) ? await workflows.artifact(context.get("principal").tenant, id) : null;
  if (content === null) throw new ApiError("not_found", `there is no ${name}`);
  const headers = { ETag: `"${id}"`, "Cache-Control": IMMUTABLE };
  if (isFresh(context.req.header("If-None-Match"), headers.ETag)) return context.body(null, 304, headers);
  return context.body(canonicalJson(content), 200, { ...headers, "Content-Type": "application/json" });
}
