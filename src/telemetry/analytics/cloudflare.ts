/** The platform's SQL API as a backend: sends the rendered query, and turns its refusals into ours. */
import { ApiError, fail, ok } from "#kernel/errors.ts";
import type { SqlBackend } from "./backend.ts";
import { RESULT_LENGTH_MAX } from "./limits.ts";
import { shown } from "./sql-error.ts";

const API = "https://api.cloudflare.com/client/v4";

/** The platform gives up on long queries itself; this is for an API that does not answer. */
const TIMEOUT_MS = 30_000;

export type ApiFetch = (
  url: string,
  options: { method: string; headers: Record<string, string>; body: string; signal: AbortSignal; redirect: "manual" },
) => Promise<Response>;

export interface CloudflareAccess {
  accountId: string;
  token: string;
  fetch: ApiFetch;
}

export function cloudflareBackend({ accountId, token, fetch }: CloudflareAccess): SqlBackend {
  const url = `${API}/accounts/${encodeURIComponent(accountId)}/analytics_engine/sql`;
  return {
    async run({ rendered }) {
      const response = await send(fetch, url, token, rendered);
      const text = await response.text();
      if (response.ok && text.length <= RESULT_LENGTH_MAX) return ok(text);
      if (response.ok) return fail({ message: "the answer is too long: add LIMIT, or GROUP BY", line: 1, column: 1 });
      // Wrong queries are refused as plain text; the rest are refusals of the account, which is ours to set up.
      if (response.status === 422 || (response.status === 400 && !text.startsWith("{"))) {
        return fail({ message: `Analytics Engine refuses the query: ${shownLine(text)}`, line: 1, column: 1 });
      }
      if (response.status === 429) {
        const seconds = response.headers.get("Retry-After") ?? "10";
        throw new ApiError("unavailable", "Analytics Engine takes no more queries for now", {
          headers: { "Retry-After": /^\d{1,5}$/.test(seconds) ? seconds : "10" },
        });
      }
      const isRefused = response.status === 401 || response.status === 403 || response.status === 400;
      const reason = isRefused
        ? "it refuses CLOUDFLARE_API_TOKEN or CLOUDFLARE_ACCOUNT_ID"
        : `status ${response.status}`;
      throw new ApiError("unavailable", `Analytics Engine does not answer: ${reason}`);
    },
  };
}

async function send(fetch: ApiFetch, url: string, token: string, body: string): Promise<Response> {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "text/plain" };
  try {
    return await fetch(url, {
      method: "POST",
      headers,
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "manual",
    });
  } catch {
    throw new ApiError("unavailable", "Analytics Engine does not answer");
  }
}

function shownLine(text: string): string {
  return shown(text.replaceAll(/\s+/g, " ").slice(0, 500));
}
