/** The OpenAPI document as one page of HTML without scripts: routes by tag, what each takes and answers, the schemas. */

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #0a6b8a; }
@media (prefers-color-scheme: dark) { :root { --accent: #5cc3e3; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); text-transform: capitalize; }
code, pre, .path { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; padding: .4rem .75rem; }
summary { cursor: pointer; } summary .path { font-weight: 600; }
.method { display: inline-block; min-width: 4rem; color: var(--accent); font-weight: 700; }
.scope { background: var(--soft); border-radius: 4px; padding: 0 .4rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0; }
tr { border-top: 1px solid var(--line); } a { color: var(--accent); } nav a { margin-right: 1rem; }
`;

/** What is read of the document; whatever else it holds stands in /openapi.json. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}

type Content = Record<string, { schema?: Schema }>;

interface Operation {
  tags?: string[];
  summary?: string;
  "x-scope"?: string;
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[];
  requestBody?: { description?: string; content?: Content };
  responses?: Record<string, { description?: string; content?: Content }>;
}

interface Document {
  info: { title: string; version: string; description?: string };
  paths?: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
}

/** `style` is what stands between the page's style tags, to be named in its security policy. */
export function renderDocs(openApi: object): { html: string; style: string } {
  const document = openApi as Document;
  const sections = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? "other";
      sections.set(tag, [...(sections.get(tag) ?? []), renderOperation(method, path, operation)]);
    }
  }
  const { title, version, description = "" } = document.info;
  const tags = [...sections.keys(), "schemas"];
  const schemas = Object.entries(document.components?.schemas ?? {}).map(
    ([name, schema]) =>
      `<details id="schema-${markup(name)}"><summary><code>${markup(name)}</code></summary><pre>${renderSchema(schema, 0)}</pre></details>`,
  );
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${markup(title)} API</title><style>${STYLE}</style></head><body>
<h1>${markup(title)} API</h1><p>${markup(description)} Version ${markup(version)}. The same for programs:
<a href="/openapi.json">/openapi.json</a>. Send a key as <code>Authorization: Bearer weir_…</code>; the scope that it needs
stands at each route. Every error has the form of <a href="#schema-Error">Error</a>.</p>
<nav>${tags.map((tag) => `<a href="#${markup(tag)}">${markup(tag)}</a>`).join("")}</nav>
${[...sections].map(([tag, routes]) => `<h2 id="${markup(tag)}">${markup(tag)}</h2>${routes.join("")}`).join("\n")}
<h2 id="schemas">schemas</h2>${schemas.join("\n")}
</body></html>`;
  return { html, style: STYLE };
}

function renderOperation(method: string, path: string, operation: Operation): string {
  const scope = operation["x-scope"];
  const parameters = (operation.parameters ?? []).map(
    ({ name, in: place, required, description = "", schema = {} }) =>
      `<tr><td><code>${markup(name)}</code>${required ? "" : "?"}</td><td>${markup(place)}</td><td><code>${renderSchema(schema, 0)}</code></td><td>${markup(description || (schema.description ?? ""))}</td></tr>`,
  );
  const answers = Object.entries(operation.responses ?? {}).map(
    ([status, { description = "", content }]) =>
      `<tr><td><code>${markup(status)}</code></td><td>${markup(description)}</td><td><code>${renderContent(content)}</code></td></tr>`,
  );
  const body = operation.requestBody;
  return `<details><summary><span class="method">${markup(method.toUpperCase())}</span> <span class="path">${markup(path)}</span>
${scope === undefined ? "" : `<span class="scope">${markup(scope)}</span>`} ${markup(operation.summary ?? "")}</summary>
${parameters.length === 0 ? "" : `<h4>Parameters</h4><table>${parameters.join("")}</table>`}
${body === undefined ? "" : `<h4>Body</h4><p>${markup(body.description ?? "")}</p><pre>${renderContent(body.content)}</pre>`}
<h4>Answers</h4><table>${answers.join("")}</table></details>`;
}

function renderContent(content: Content | undefined): string {
  const schemas = Object.values(content ?? {}).flatMap(({ schema }) => schema ?? []);
  return schemas.map((schema) => renderSchema(schema, 0)).join(" | ");
}

/** A schema as one would write a type, at `depth` levels of indentation. */
function renderSchema(schema: Schema, depth: number): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
    return `<a href="#schema-${markup(name)}">${markup(name)}</a>`;
  }
  const joined = schema.allOf ?? schema.anyOf ?? schema.oneOf;
  if (joined !== undefined) {
    return joined.map((part) => renderSchema(part, depth)).join(schema.allOf === undefined ? " | " : " &amp; ");
  }
  if (schema.enum !== undefined) return schema.enum.map((value) => markup(JSON.stringify(value))).join(" | ");
  if (schema.const !== undefined) return markup(JSON.stringify(schema.const));
  if (schema.items !== undefined) return `${renderSchema(schema.items, depth)}[]`;
  if (schema.properties !== undefined) return renderProperties(schema, depth);
  if (typeof schema.additionalProperties === "object") {
    return `{ [key]: ${renderSchema(schema.additionalProperties, depth)} }`;
  }
  return markup([schema.type ?? "any JSON"].flat().join(" | "));
}

function renderProperties({ properties = {}, required = [] }: Schema, depth: number): string {
  const indent = "  ".repeat(depth + 1);
  const lines = Object.entries(properties).map(([name, schema]) => {
    const note = schema.description === undefined ? "" : `  // ${markup(schema.description)}`;
    const isOptional = !required.includes(name);
    return `${indent}${markup(name)}${isOptional ? "?" : ""}: ${renderSchema(schema, depth + 1)}${note}`;
  });
  return `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
}

/** Text as it may stand in HTML. */
function markup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
