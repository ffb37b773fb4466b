/** The only place where an error becomes an answer. */
import type { Context } from "hono";
import { API_ERRORS, ApiError } from "#kernel/errors.ts";
import { APPROVE_PATH } from "./approve-path.ts";
import type { AppEnv } from "./services.ts";

/** The error envelope. Whatever was not meant for the caller is logged and answered as `internal`. */
export function respondError(error: unknown, context: Context<AppEnv>): Response {
  const requestId = context.get("requestId") ?? "";
  const known = error instanceof ApiError ? error : internal(error, context, requestId);
  const body = {
    error: {
      code: known.code,
      message: known.message,
      ...(known.details === undefined ? {} : { details: known.details }),
      request_id: requestId,
    },
  };
  return context.json(body, API_ERRORS[known.code], known.headers);
}

function internal(error: unknown, context: Context<AppEnv>, requestId: string): ApiError {
  const { method } = context.req;
  const path = context.req.path.startsWith(APPROVE_PATH) ? `${APPROVE_PATH}…` : context.req.path;
  context.get("services")?.logger.error("a request failed", { request_id: requestId, method, path, error });
  return new ApiError("internal", "something went wrong on our side; the request id helps to find it");
}
