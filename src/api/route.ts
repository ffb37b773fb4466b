/** How routes are declared: method, path and scope in one place, errors documented for all of them alike. */

import { createRoute, type RouteConfig, z } from "@hono/zod-openapi";
import type { Scope } from "#access/scopes.ts";
import { API_ERRORS, ApiError, type ApiErrorCode, type Problem } from "#kernel/errors.ts";
import { requireScope } from "./authenticate.ts";
import { CURSOR_LENGTH_MAX, LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from "./limits.ts";

export { BASE_PATH } from "./base-path.ts";

export const errorSchema = z
  .object({
    error: z.object({
      code: z.enum(Object.keys(API_ERRORS) as [ApiErrorCode, ...ApiErrorCode[]]),
      message: z.string(),
      details: z.unknown().optional(),
      request_id: z.string(),
    }),
  })
  .openapi("Error");

/** A JSON answer of this shape. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema } } };
}

type Config = Omit<RouteConfig, "middleware" | "security">;

/**
 * A route that needs a key with `scope`. Errors that follow from its parts (parameters, query, body) are documented by
 * themselves; `errors` names what else it may answer.
 */
export function protectedRoute<const Route extends Config>(
  scope: Scope,
  route: Route,
  errors: readonly ApiErrorCode[] = [],
) {
  const documented = errorResponses([...errorsOf(route), ...errors]);
  return createRoute({
    ...route,
    "x-scope": scope,
    security: [{ key: [] }],
    middleware: [requireScope(scope)] as const,
    responses: {
      ...route.responses,
      ...documented,
      default: json(errorSchema, "any other error"),
    } as Route["responses"] & {
      default: ReturnType<typeof json<typeof errorSchema>>;
    },
  });
}

function errorsOf({ request }: Config): ApiErrorCode[] {
  return [
    "unauthenticated",
    "forbidden",
    "rate_limited",
    "internal",
    "unavailable",
    "overloaded",
    ...(request?.params === undefined ? [] : (["not_found"] as const)),
    ...(request?.query === undefined ? [] : (["invalid"] as const)),
    ...(request?.body === undefined
      ? []
      : (["bad_request", "payload_too_large", "unsupported_media_type", "invalid"] as const)),
  ];
}

/** The error envelope under the status of each code. */
export function errorResponses(codes: readonly ApiErrorCode[]) {
  const byStatus = new Map<number, Set<string>>();
  for (const code of codes) {
    const status = API_ERRORS[code];
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [status, json(errorSchema, [...names].join(" or "))]),
  );
}

/** A problem with one part of the request, found after its shape was. */
export function invalid(pointer: string, message: string): ApiError {
  return new ApiError("invalid", "the request has a problem", { details: [{ pointer, message }] });
}

/** Answers with what is wrong with the request, all of it. */
export function refuse(details: readonly Problem[]): never {
  const count = details.length === 1 ? "a problem" : `${details.length} problems`;
  throw new ApiError("invalid", `the request has ${count}`, { details });
}

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(LIST_LIMIT_DEFAULT),
  cursor: z.string().max(CURSOR_LENGTH_MAX).optional(),
};
