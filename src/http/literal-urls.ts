/** URLs that stand written out in a node's config, judged before anything is asked for; templates are judged when used. */
import type { Problem } from "#kernel/errors.ts";
import { isJsonObject, type Json, type JsonObject, jsonPointer } from "#kernel/json.ts";
import { judgeUrl, type UrlPolicy } from "./url-guard.ts";

interface NodeWithConfig {
  type?: Json;
  config?: Json;
}

/** Where a refused URL stands within the node, and why it would be refused. */
export interface RefusedUrl {
  path: string[];
  message: string;
}

/** The same of many nodes, at pointers into a workflow. */
export function refusedUrlsOf(nodes: readonly NodeWithConfig[], policy: UrlPolicy): Problem[] {
  return nodes.flatMap((node, index) =>
    refusedUrls(node, policy).map(({ path, message }) => ({
      pointer: jsonPointer(["nodes", index, ...path]),
      message,
    })),
  );
}

export function refusedUrls(node: NodeWithConfig, policy: UrlPolicy): RefusedUrl[] {
  const config: JsonObject = isJsonObject(node.config) ? node.config : {};
  const key = node.type === "http" ? "url" : node.type === "hitl" ? "escalate_to" : null;
  const own = key === null ? [] : refused(["config", key], config[key], policy);
  if (node.type !== "map" || !isJsonObject(config.node)) return own;
  const inner = refusedUrls(config.node as NodeWithConfig, policy);
  return inner.map(({ path, message }) => ({ path: ["config", "node", ...path], message }));
}

function refused(path: string[], url: Json | undefined, policy: UrlPolicy): RefusedUrl[] {
  if (typeof url !== "string" || url.includes("$")) return [];
  const verdict = judgeUrl(url, policy);
  return verdict.allowed ? [] : [{ path, message: `the request will be refused: ${verdict.message}` }];
}
