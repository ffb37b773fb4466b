/** The tool `openapi_action`: calls an operation of a service by what its OpenAPI document says. */
import { z } from "zod";
import { SECRET_NAME } from "#http/secrets.ts";
import type { Json } from "#kernel/json.ts";
import { URL_LENGTH_MAX } from "#workflow/limits.ts";
import { anyObject } from "../argument-values.ts";
import { OpenApiDocument, OpenApiRefused } from "../openapi/document.ts";
import { OPENAPI_WORK_MAX } from "../openapi/limits.ts";
import { requestOf } from "../openapi/request.ts";
import { httpErrorText } from "../pipeline/http-request.ts";
import { secretReferenceIn } from "../secret-reference.ts";
import type { ToolRequest } from "../tool.ts";
import { Work, WorkExceeded } from "../work.ts";
import { defineTool, refused } from "./define-tool.ts";
import { OPERATION_ID_LENGTH_MAX } from "./limits.ts";
import { boundedResult } from "./result.ts";

export const openapiAction = defineTool({
  name: "openapi_action",
  arguments: z.strictObject({
    openapi_url: z.string().min(1).max(URL_LENGTH_MAX),
    operation_id: z
      .string()
      .min(1)
      .max(OPERATION_ID_LENGTH_MAX)
      .describe('operationId, or "GET /path" where there is none'),
    params: anyObject.optional(),
    auth_profile: z.string().regex(SECRET_NAME, "must be 1 to 64 letters, digits or _").optional(),
  }),
  example: {
    openapi_url: "https://api.example.com/openapi.json",
    operation_id: "createOrder",
    params: { customer_id: 7, body: { items: ["tea"] } },
  },
  // What an operation does stands in the document, which is not read yet.
  readsOnly: () => false,
  async run({ openapi_url, operation_id, params = {}, auth_profile }, context) {
    const work = new Work(OPENAPI_WORK_MAX);
    let request: ToolRequest;
    try {
      const secret = secretReferenceIn(params, work);
      if (secret !== null) return refused(`"params" cannot refer to a secret (${secret}): name it as auth_profile`);
      const fetched = await context.ports.openApi(openapi_url);
      if (!fetched.ok) return refused(`"openapi_url": ${fetched.error}`);
      const document = new OpenApiDocument(fetched.value, work);
      request = requestOf(document, document.operation(operation_id), openapi_url, params, auth_profile);
    } catch (error) {
      if (error instanceof OpenApiRefused) return refused(error.message);
      if (error instanceof WorkExceeded)
        return refused(`reading the operation ${error.message}: the document is too complicated`);
      throw error;
    }
    const answer = await context.ports.http(request);
    if (!answer.ok) return refused(httpErrorText(answer.error));
    const { status_code, body } = answer.value;
    return { ok: true, result: { status_code, body: boundedResult(body) } satisfies Json };
  },
});
