/** How routes are declared: method, path and scope in one place, errors documented for all of them alike. */
import { createRoute, type RouteConfig, z } from "@hono/zod-openapi";
import type { Scope } from "#access/scopes.ts";
import { API_ERRORS, type ApiErrorCode } from "#kernel/errors.ts";
import { requireScope } from "./authenticate.ts";

export const BASE_PATH = "/api/v1";

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

/** A route that needs a key with `scope`. */
export function protectedRoute<const Route extends Config>(scope: Scope, route: Route) {
  return createRoute({
    ...route,
    "x-scope": scope,
    security: [{ key: [] }],
    middleware: [requireScope(scope)] as const,
    responses: { ...route.responses, default: json(errorSchema, "any error") },
  });
}

/** An opaque cursor from what the next page begins after. */
export function encodeCursor(after: string): string {
  return btoa(after).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** What a cursor stands for; null when it is not one of ours. */
export function decodeCursor(cursor: string): string | null {
  try {
    return atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null;
  }
}

export const LIST_LIMIT_MAX = 200;
export const LIST_LIMIT_DEFAULT = 50;

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(LIST_LIMIT_DEFAULT),
  cursor: z.string().max(500).optional(),
};
