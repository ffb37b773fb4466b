/** The operations of a served OpenAPI document: what each needs, and a body that fits its schema. */

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minItems?: number;
  minLength?: number;
  minimum?: number;
  format?: string;
}

interface Description {
  paths: Record<string, Record<string, OperationObject>>;
  components?: { schemas?: Record<string, Schema> };
}

interface OperationObject {
  "x-scope"?: string;
  requestBody?: { content?: Record<string, { schema?: Schema }> };
}

export interface Operation {
  method: string;
  /** As described, with `{…}` for what varies. */
  path: string;
  /** The scope a key needs; null for an open route. */
  scope: string | null;
  body: unknown;
  contentType: string | null;
}

const METHODS = ["get", "post", "put", "patch", "delete"];

export function operationsOf(description: Description): Operation[] {
  return Object.entries(description.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      if (operation === undefined) return [];
      const [contentType = null, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
      const body = media?.schema === undefined ? undefined : sampleOf(media.schema, description);
      return [{ method: method.toUpperCase(), path, scope: operation["x-scope"] ?? null, body, contentType }];
    }),
  );
}

/** The names in braces, in order. */
export function parametersOf(path: string): string[] {
  return [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name ?? "");
}

/** The smallest value that fits the schema, as far as these keywords tell. */
export function sampleOf(schema: Schema, description: Description): unknown {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    return sampleOf(description.components?.schemas?.[name] ?? {}, description);
  }
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const [choice] = schema.anyOf ?? schema.oneOf ?? [];
  if (choice !== undefined) return sampleOf(choice, description);
  if (schema.allOf !== undefined) {
    return Object.assign({}, ...schema.allOf.map((part) => sampleOf(part, description)));
  }
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case "string":
      return schema.format === "date-time"
        ? "2100-01-01T00:00:00.000Z"
        : "x".repeat(Math.max(1, schema.minLength ?? 1));
    case "integer":
    case "number":
      return schema.minimum ?? 1;
    case "boolean":
      return true;
    case "null":
      return null;
    case "array":
      return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(schema.items ?? {}, description));
    default:
      return Object.fromEntries(
        (schema.required ?? []).map((name) => [name, sampleOf(schema.properties?.[name] ?? {}, description)]),
      );
  }
}
