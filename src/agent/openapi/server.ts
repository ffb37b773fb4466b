/** The server of an operation: the first of the nearest list, with its variables' defaults, relative to the document. */
import { isJsonObject, type JsonObject, ownValue } from "#kernel/json.ts";
import { type OpenApiDocument, type Operation, refuse } from "./document.ts";

/** Without a final slash, query or fragment. */
export function serverUrl(document: OpenApiDocument, { item, operation }: Operation, documentUrl: string): string {
  const server = firstServer(operation) ?? firstServer(item) ?? firstServer(document.root);
  const template = server === undefined ? "/" : ownValue(server, "url");
  if (typeof template !== "string") refuse('a server of the document has no "url"');
  const variables = server === undefined ? undefined : ownValue(server, "variables");
  const filled = template.replace(/\{([^{}]{1,100})\}/g, (_, name: string) => {
    const variable = isJsonObject(variables) ? ownValue(variables, name) : undefined;
    const value = isJsonObject(variable) ? ownValue(variable, "default") : undefined;
    return typeof value === "string" ? value : refuse(`server variable {${name}} has no default in the document`);
  });
  const url = URL.parse(filled, documentUrl);
  if (url === null) return refuse(`the server of the document is not a URL: ${filled.slice(0, 200)}`);
  return `${url.href.split(/[?#]/, 1)[0] ?? ""}`.replace(/\/+$/, "");
}

function firstServer(holder: JsonObject): JsonObject | undefined {
  const servers = ownValue(holder, "servers");
  const first = Array.isArray(servers) ? servers[0] : undefined;
  return first !== undefined && isJsonObject(first) ? first : undefined;
}
