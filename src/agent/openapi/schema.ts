/**
 * Checks values against the schemas of an OpenAPI document. They come from strangers, so only keywords whose cost is
 * known are kept (no patterns, which backtrack), and every visit of a schema is paid for. What is dropped the server
 * checks. OpenAPI 3.0's own words (`nullable`, exclusive bounds that are booleans) become those of JSON Schema 2020-12.
 */
import { type Schema, Validator } from "@cfworker/json-schema";
import { isJsonObject, type Json, type JsonObject, ownValue } from "#kernel/json.ts";
import { type Work, WorkExceeded } from "../work.ts";
import { type OpenApiDocument, OpenApiRefused, refuse } from "./document.ts";
import { ENUM_VALUES_MAX, PARAMETER_PROBLEMS_MAX } from "./limits.ts";

const PLAIN_KEYWORDS = [
  "type",
  "const",
  "required",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
] as const;
const SCHEMA_KEYWORDS = ["items", "additionalProperties", "not"] as const;
const LIST_KEYWORDS = ["allOf", "anyOf", "oneOf", "prefixItems"] as const;
/** Formats that the library checks without backtracking. */
const FORMATS: ReadonlySet<Json> = new Set(["date", "date-time", "uuid", "ipv4"]);

/** What is wrong with a value, with pointers below `pointer`; empty when nothing is. */
export function checkValue(document: OpenApiDocument, schema: Json, value: Json, pointer: string): string[] {
  const { work } = document;
  const bundled = new SchemaBundle(document).bundle(schema);
  try {
    const { valid, errors } = new Validator(bundled as Schema, "2020-12", false).validate(value);
    if (valid) return [];
    const leaves = errors.filter(
      ({ keyword }) => keyword !== "properties" && keyword !== "items" && keyword !== "$ref",
    );
    work.charge(errors.length);
    return (leaves.length > 0 ? leaves : errors)
      .slice(0, PARAMETER_PROBLEMS_MAX)
      .map(({ instanceLocation, error }) => `${pointer}${instanceLocation.replace(/^#/, "")}: ${error}`);
  } catch (error) {
    if (error instanceof WorkExceeded || error instanceof OpenApiRefused) throw error;
    return refuse(`${pointer} cannot be checked: its schema in the document goes round in a circle or is broken`);
  }
}

class SchemaBundle {
  readonly #document: OpenApiDocument;
  readonly #names = new Map<string, string>();
  readonly #definitions: [string, JsonObject | boolean][] = [];

  constructor(document: OpenApiDocument) {
    this.#document = document;
  }

  /** The schema with everything that it refers to under `$defs`. */
  bundle(schema: Json): JsonObject {
    const whole = this.#convert(schema);
    const root = typeof whole === "boolean" ? priced({ allOf: [whole] }, this.#document.work) : whole;
    // Converting a definition may name further ones, which this loop then meets.
    for (const reference of this.#names.keys()) {
      const converted = this.#convert(this.#document.at(reference, "a schema"));
      this.#definitions.push([this.#names.get(reference) ?? "", converted]);
    }
    root.$defs = Object.fromEntries(this.#definitions) as JsonObject;
    return root;
  }

  #convert(schema: Json): JsonObject | boolean {
    const { work } = this.#document;
    work.charge(1);
    if (typeof schema === "boolean") return schema;
    if (!isJsonObject(schema)) return priced({}, work);
    const reference = ownValue(schema, "$ref");
    if (typeof reference === "string") {
      // Other documents are not fetched: what they ask for is left to the server.
      return priced(reference.startsWith("#/") ? { $ref: `#/$defs/${this.#name(reference)}` } : {}, work);
    }
    const converted: JsonObject = {};
    for (const keyword of PLAIN_KEYWORDS) copy(schema, keyword, converted);
    for (const keyword of SCHEMA_KEYWORDS) {
      const inner = ownValue(schema, keyword);
      if (inner !== undefined) converted[keyword] = this.#convert(inner);
    }
    for (const keyword of LIST_KEYWORDS) {
      const inner = ownValue(schema, keyword);
      if (Array.isArray(inner)) converted[keyword] = inner.map((one) => this.#convert(one));
    }
    this.#convertProperties(schema, converted);
    const values = ownValue(schema, "enum");
    if (Array.isArray(values) && values.length <= ENUM_VALUES_MAX) converted.enum = values;
    const format = ownValue(schema, "format");
    if (format !== undefined && FORMATS.has(format)) converted.format = format;
    return priced(withoutOpenApiWords(schema, converted), work);
  }

  /** Properties that only answers have may be required there, and not in a request. */
  #convertProperties(schema: JsonObject, converted: JsonObject): void {
    const properties = ownValue(schema, "properties");
    if (!isJsonObject(properties)) return;
    const entries = Object.entries(properties);
    converted.properties = Object.fromEntries(entries.map(([name, inner]) => [name, this.#convert(inner)]));
    const readOnly = new Set(
      entries.filter(([, inner]) => isJsonObject(inner) && ownValue(inner, "readOnly") === true).map(([name]) => name),
    );
    if (Array.isArray(converted.required)) {
      converted.required = converted.required.filter((name) => typeof name === "string" && !readOnly.has(name));
    }
  }

  #name(reference: string): string {
    const known = this.#names.get(reference);
    if (known !== undefined) return known;
    const name = String(this.#names.size);
    this.#names.set(reference, name);
    return name;
  }
}

function copy(from: JsonObject, keyword: string, to: JsonObject): void {
  const value = ownValue(from, keyword);
  if (value !== undefined) to[keyword] = value;
}

function withoutOpenApiWords(schema: JsonObject, converted: JsonObject): JsonObject {
  for (const [exclusive, bound] of [
    ["exclusiveMinimum", "minimum"],
    ["exclusiveMaximum", "maximum"],
  ] as const) {
    if (typeof converted[exclusive] !== "boolean") continue;
    const isExclusive = converted[exclusive];
    delete converted[exclusive];
    if (!isExclusive || converted[bound] === undefined) continue;
    converted[exclusive] = converted[bound];
    delete converted[bound];
  }
  if (ownValue(schema, "nullable") !== true) return converted;
  return { anyOf: [{ type: "null" }, converted] };
}

/** Work of one visit of a schema, which reads some forty keywords. */
const VISIT_PRICE = 40;

/** The library reads this keyword at each visit of a schema: here it pays for the visit. */
function priced(schema: JsonObject, work: Work): JsonObject {
  const price = VISIT_PRICE + Object.values(schema).reduce<number>((sum, value) => sum + sizeOf(value), 0);
  Object.defineProperty(schema, "$recursiveAnchor", {
    enumerable: false,
    get() {
      work.charge(price);
      return undefined;
    },
  });
  return schema;
}

function sizeOf(value: Json): number {
  if (Array.isArray(value)) return value.length;
  return isJsonObject(value) ? Object.keys(value).length : 1;
}
