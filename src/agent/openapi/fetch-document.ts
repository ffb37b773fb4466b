/** OpenAPI documents as services publish them: fetched like anything else, and remembered for a while in this isolate. */
import { fail, type NodeError, ok, type Result } from "#kernel/errors.ts";
import { isJsonObject, type Json } from "#kernel/json.ts";
import { WeightedCache } from "#kernel/weighted-cache.ts";
import { DOCUMENT_MEMORY_MS, DOCUMENTS_UNITS_MAX } from "../limits.ts";
import { httpErrorText } from "../pipeline/http-request.ts";
import type { ToolRequest, ToolResponse } from "../tool.ts";

const memory = new WeightedCache<{ document: Json; until: number }>(DOCUMENTS_UNITS_MAX);

/** Each tenant has its own memory: a document may say more to one than to another. */
export async function fetchDocument(
  tenant: string,
  url: string,
  http: (request: ToolRequest) => Promise<Result<ToolResponse, NodeError>>,
  nowMs: number,
): Promise<Result<Json, string>> {
  const key = `${tenant} ${url}`;
  const known = memory.get(key);
  if (known !== undefined && known.until > nowMs) return ok(known.document);
  const answer = await http({ method: "GET", url, headers: { accept: "application/json" }, secrets: [] });
  if (!answer.ok) return fail(httpErrorText(answer.error));
  const document = readDocument(answer.value.body);
  if (document === null) return fail("the document there is not JSON; OpenAPI documents in YAML are not read");
  memory.set(key, { document, until: nowMs + DOCUMENT_MEMORY_MS }, JSON.stringify(document).length);
  return ok(document);
}

/** Servers often send a document as plain text. */
function readDocument(body: Json): Json | null {
  if (isJsonObject(body)) return body;
  if (typeof body !== "string") return null;
  try {
    const parsed = JSON.parse(body) as Json;
    return isJsonObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}
