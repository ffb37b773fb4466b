/** The step `http_request`: asks a server through the URL guard and yields the parsed body. It never uses secrets. */
import { z } from "zod";
import type { NodeError } from "#kernel/errors.ts";
import { isJsonObject, type Json, jsonProblem } from "#kernel/json.ts";
import { HEADERS_MAX, URL_LENGTH_MAX } from "#workflow/limits.ts";
import { anyJson } from "../argument-values.ts";
import { secretReferenceIn } from "../secret-reference.ts";
import type { ToolRequest } from "../tool.ts";
import { refuse, stepType } from "./step.ts";

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const querySchema = z.record(z.string(), z.union([scalar, z.array(scalar)]));

export const httpRequest = stepType({
  schema: z.strictObject({
    step: z.literal("http_request"),
    url: z.string().min(1).max(URL_LENGTH_MAX),
    method: z.enum(["GET", "POST"]).default("GET"),
    params: anyJson
      .optional()
      .describe("GET: an object, added to the query. POST: the JSON body; without it the result of the step before"),
    headers: z
      .record(z.string(), z.string())
      .refine((headers) => Object.keys(headers).length <= HEADERS_MAX, `at most ${HEADERS_MAX} headers`)
      .optional(),
  }),
  run: async ({ url, method, params, headers }, input, { tool, work }) => {
    const request: ToolRequest = { method, url, secrets: [], ...(headers === undefined ? {} : { headers }) };
    if (method === "POST") request.payload = params ?? input;
    else if (params !== undefined) request.query = queryOf(params);
    const secret = secretReferenceIn(request as unknown as Json, work);
    if (secret !== null) refuse(`a request of a pipeline cannot refer to a secret (${secret}): use openapi_action`);
    const problem = jsonProblem(request.payload ?? null);
    if (problem !== null) refuse(`the body cannot be sent: ${problem}`);
    const answer = await tool.ports.http(request);
    return answer.ok ? answer.value.body : refuse(httpErrorText(answer.error));
  },
});

function queryOf(params: Json): NonNullable<ToolRequest["query"]> {
  const query = isJsonObject(params) ? querySchema.safeParse(params) : null;
  if (query?.success !== true)
    refuse('"params" of a GET must be an object of texts, numbers, booleans or lists of them');
  return query.data;
}

/** An error of a request as the model reads it: the code, the reason and what the server said. */
export function httpErrorText(error: NodeError): string {
  const body = error.details?.body;
  const said = typeof body === "string" && body !== "" ? `; it said: ${body}` : "";
  return `${error.code}: ${error.message}${said}`;
}
