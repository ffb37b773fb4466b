/**
 * Redirects: which answers are one, and what the next request looks like. Follows the Fetch standard, "HTTP-redirect
 * fetch", with stricter rules on where it may lead.
 */
import { dropBodyHeaders, dropCredentials } from "./headers.ts";
import { pathObjection } from "./path-rules.ts";
import type { PreparedRequest } from "./prepare.ts";
import { type Failure, refusal } from "./refusal.ts";
import { bindingFailure } from "./secrets.ts";
import { judgeUrl, type UrlPolicy } from "./url-guard.ts";

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Where an answer redirects to, as written; null when it is no redirect. */
export function redirectLocation(response: Response): string | null {
  return REDIRECT_STATUSES.has(response.status) ? response.headers.get("location") : null;
}

/**
 * The request that follows a redirect, or a `url_refused` failure. Another origin gets no credentials and no header
 * that a secret went into; a payload that holds a secret, or a Location that echoes one, goes only to hosts it is bound to.
 */
export function followRedirect(
  request: PreparedRequest,
  status: number,
  location: string,
  policy: UrlPolicy,
): PreparedRequest | Failure {
  const target = URL.parse(location, request.url.href);
  if (target === null) return refusal("redirect", "a redirect leads to something that is not a URL");
  const forbidden = pathObjection(location.split("#", 1)[0] ?? "");
  if (forbidden !== null) return refusal("path", `a redirect's path or query holds ${forbidden}`);
  target.hash = "";
  const verdict = judgeUrl(target.href, policy);
  if (!verdict.allowed) return refusal(verdict.reason, `after a redirect: ${verdict.message}`);
  const { url } = verdict;
  if (request.url.protocol === "https:" && url.protocol === "http:") {
    return refusal("redirect_downgrade", "a redirect leads from https to http");
  }

  const next = { ...request, url, headers: new Headers(request.headers) };
  if (becomesGet(status, request.method)) {
    next.method = "GET";
    next.body = null;
    next.payloadHasSecret = false;
    dropBodyHeaders(next.headers);
  }
  if (url.origin !== request.url.origin) {
    dropCredentials(next.headers, request.secretHeaders);
    const carriesSecret = next.payloadHasSecret || request.redactor.text(url.href) !== url.href;
    const unbound = carriesSecret ? bindingFailure(request.secrets, url) : null;
    if (unbound !== null) return unbound;
  }
  return next;
}

function becomesGet(status: number, method: PreparedRequest["method"]): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}
