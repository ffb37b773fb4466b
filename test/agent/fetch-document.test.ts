/** OpenAPI documents: fetched once in a while, by each tenant for itself, and only as JSON. */
import { describe, expect, test } from "vitest";
import { DOCUMENT_MEMORY_MS } from "#agent/limits.ts";
import { fetchDocument } from "#agent/openapi/fetch-document.ts";
import type { ToolRequest } from "#agent/tool.ts";
import { fail, nodeError, ok } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";

function server(...bodies: (Json | null)[]) {
  const asked: ToolRequest[] = [];
  const http = async (request: ToolRequest) => {
    asked.push(request);
    const body = bodies[Math.min(asked.length, bodies.length) - 1] ?? null;
    if (body === null) return fail(nodeError("http_status", "the server answered 500"));
    return ok({ status_code: 200, headers: {}, body, bytes_in: 1, bytes_out: 0 });
  };
  return { asked, http };
}
let urls = 0;
const newUrl = () => `https://api.example.com/${++urls}/openapi.json`;
const document = { openapi: "3.1.0" };

describe("OpenAPI documents", () => {
  test("are remembered for a while, and never asked for with a secret", async () => {
    const { asked, http } = server(document, { openapi: "3.1.1" });
    const url = newUrl();
    const read = (nowMs: number, tenant = "a") => fetchDocument(tenant, url, http, nowMs);
    expect(await read(0)).toEqual(ok(document));
    expect(await read(DOCUMENT_MEMORY_MS - 1)).toEqual(ok(document));
    expect(await read(DOCUMENT_MEMORY_MS)).toEqual(ok({ openapi: "3.1.1" }));
    expect(asked).toEqual([0, 1].map(() => expect.objectContaining({ method: "GET", url, secrets: [] })));
    await read(1, "b");
    expect(asked).toHaveLength(3);
  });

  test("may come as text", async () => {
    expect(await fetchDocument("a", newUrl(), server(JSON.stringify(document)).http, 0)).toEqual(ok(document));
  });

  test.each([["openapi: 3.1.0"], ["[]"], [[1]], [7]])("are not %j", async (body) => {
    expect(await fetchDocument("a", newUrl(), server(body).http, 0)).toEqual(fail(expect.stringContaining("not JSON")));
  });

  test("are asked for again after a failure", async () => {
    const { http } = server(null, document);
    const url = newUrl();
    expect(await fetchDocument("a", url, http, 0)).toEqual(fail("http_status: the server answered 500"));
    expect(await fetchDocument("a", url, http, 0)).toEqual(ok(document));
  });
});
