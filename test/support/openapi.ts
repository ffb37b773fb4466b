/** The served OpenAPI document as tests read it: its operations, and answers judged by it more strictly than it says. */
import { type Schema as CheckedSchema, Validator } from "@cfworker/json-schema";

export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}

type Content = Record<string, { schema?: Schema }>;

export interface Operation {
  method: string;
  path: string;
  parameters: { name: string; in: string; required?: boolean; schema?: Schema }[];
  body: Schema | undefined;
  /** Takes text in place of JSON. */
  isText: boolean;
  responses: Record<string, { content?: Content }>;
}

interface Document {
  paths: Record<string, Record<string, Partial<Operation> & { requestBody?: { content?: Content } }>>;
  components: { schemas: Record<string, Schema> };
}

export class OpenApi {
  readonly operations: readonly Operation[];
  readonly #document: Document;
  readonly #validators = new Map<string, Validator>();

  constructor(document: unknown) {
    this.#document = document as Document;
    this.operations = Object.entries(this.#document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        parameters: operation.parameters ?? [],
        body: operation.requestBody?.content?.["application/json"]?.schema,
        isText: operation.requestBody?.content?.["text/plain"] !== undefined,
        responses: operation.responses ?? {},
      })),
    );
  }

  resolve(schema: Schema): Schema {
    if (schema.$ref === undefined) return schema;
    const name = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
    return this.resolve(this.#document.components.schemas[name] ?? {});
  }

  /** What is wrong with an answer: an undocumented status, type or field. Null when it fits. */
  judge(operation: Operation, status: number, type: string | null, text: string): string | null {
    const documented = operation.responses[String(status)];
    if (documented === undefined) return `the status ${status} is not documented`;
    if (documented.content === undefined) return text === "" ? null : "a body where none is documented";
    const media = type?.split(";")[0] ?? "";
    const schema = documented.content[media]?.schema;
    if (schema === undefined) return `the content type "${media}" is not documented`;
    const key = `${operation.method} ${operation.path} ${status} ${media}`;
    const validator =
      this.#validators.get(key) ?? new Validator(this.#strict(schema) as CheckedSchema, "2020-12", false);
    this.#validators.set(key, validator);
    const { valid, errors } = validator.validate(media === "application/json" ? JSON.parse(text) : text);
    return valid ? null : errors.map((error) => `${error.instanceLocation}: ${error.error}`).join("; ");
  }

  /** References filled in, and no fields but the named ones where the schema does not say that others may come. */
  #strict(given: Schema): Schema {
    const schema = this.resolve(given);
    const each = (schemas: Schema[]) => schemas.map((part) => this.#strict(part));
    if (schema.allOf !== undefined) {
      const parts = each(schema.allOf);
      return {
        type: "object",
        properties: Object.assign({}, ...parts.map((part) => part.properties ?? {})),
        required: parts.flatMap((part) => part.required ?? []),
        additionalProperties: false,
      };
    }
    const strict: Schema = { ...schema };
    if (schema.anyOf !== undefined) strict.anyOf = each(schema.anyOf);
    if (schema.oneOf !== undefined) strict.oneOf = each(schema.oneOf);
    if (schema.items !== undefined) strict.items = this.#strict(schema.items);
    if (typeof schema.additionalProperties === "object") {
      strict.additionalProperties = this.#strict(schema.additionalProperties);
    }
    if (schema.properties !== undefined) {
      const entries = Object.entries(schema.properties).map(([name, part]) => [name, this.#strict(part)]);
      strict.properties = Object.fromEntries(entries);
      strict.additionalProperties ??= false;
    }
    return strict;
  }
}
