/** What is known of the request of an http node: from its answer, its error, or what the node says. */
import type { RunEvent } from "#engine/events.ts";
import type { NodeDescription } from "./run-points.ts";

export interface HttpFacts {
  method: string;
  /** Empty when nobody knows. */
  host: string;
  /** Null without an answer, and when the answer is too large to stand in the log. */
  status: number | null;
}

export function httpFacts(event: RunEvent, node: NodeDescription): HttpFacts {
  const answer = event.type === "node.completed" && "value" in event.output ? event.output.value : null;
  const { status_code, url, method } = (answer ?? {}) as { status_code?: unknown; url?: unknown; method?: unknown };
  const error = "error" in event && typeof event.error === "object" ? event.error : undefined;
  const failed = error !== undefined && "details" in error ? error.details?.status : undefined;
  const status = Number(status_code ?? failed ?? 0);
  return {
    method: typeof method === "string" ? method : (node.method ?? "GET"),
    host: hostOf(typeof url === "string" ? url : node.url),
    status: Number.isInteger(status) && status >= 100 ? status : null,
  };
}

/** The host of a URL, or of a template whose host is written out. */
function hostOf(url: string | null): string {
  return (
    /^https?:\/\/(?:[^/?#@]*@)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?(?:[/?#]|$)/
      .exec(url ?? "")?.[1]
      ?.toLowerCase() ?? ""
  );
}
