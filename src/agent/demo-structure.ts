/** A value that fits a JSON Schema, made from what the demo model has to say: for answers by an `output_schema`. */
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import { findTable } from "./data-summary.ts";

const DEPTH_MAX = 8;

export function instanceOf(schema: JsonObject, text: string, data: Json, depth = 0): Json {
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null;
  const types = [schema.type].flat();
  if (types.includes("null") && depth > DEPTH_MAX) return null;
  const [type] = types.filter((one) => one !== "null");
  switch (type) {
    case "object": {
      const properties = isJsonObject(schema.properties) ? schema.properties : {};
      const made = Object.entries(properties).map(([name, property]): [string, Json] => {
        const inner = isJsonObject(data) ? (data[name] ?? data) : data;
        return [
          name,
          depth < DEPTH_MAX && isJsonObject(property) ? instanceOf(property, text, inner, depth + 1) : null,
        ];
      });
      return Object.fromEntries(made);
    }
    case "array": {
      const least = typeof schema.minItems === "number" ? Math.min(schema.minItems, 100) : 0;
      const items = isJsonObject(schema.items) ? schema.items : {};
      return Array.from({ length: least }, () => instanceOf(items, text, data, depth + 1));
    }
    case "integer":
    case "number": {
      const number = typeof data === "number" ? data : (findTable(data)?.length ?? 0);
      const whole = type === "integer" ? Math.round(number) : number;
      const least = typeof schema.minimum === "number" ? schema.minimum : whole;
      const most = typeof schema.maximum === "number" ? schema.maximum : whole;
      return Math.min(Math.max(whole, least), Math.max(most, least));
    }
    case "boolean":
      return typeof data === "boolean" ? data : true;
    case "string": {
      const own = typeof data === "string" ? data : text;
      const most = typeof schema.maxLength === "number" ? schema.maxLength : own.length;
      const least = typeof schema.minLength === "number" ? schema.minLength : 0;
      return own.slice(0, most).padEnd(Math.min(least, 10_000), ".");
    }
    default:
      return text;
  }
}
