/** An OpenAPI 3.0 document as services publish them: a shop for pets, with every kind of parameter that is supported. */
import type { Json, JsonObject } from "#kernel/json.ts";

export const PETSTORE_URL = "https://pets.example.com/docs/openapi.json";

export const petstore = {
  openapi: "3.0.3",
  info: { title: "Pets", version: "1.0.0" },
  servers: [{ url: "/v1" }, { url: "https://mirror.example.org/v1" }],
  security: [{ key: [] }],
  paths: {
    "/pets": {
      parameters: [{ $ref: "#/components/parameters/Trace" }],
      get: {
        operationId: "listPets",
        security: [],
        parameters: [
          { name: "limit", in: "query", schema: { type: "integer", minimum: 0, exclusiveMinimum: true, maximum: 100 } },
          { name: "tags", in: "query", schema: { type: "array", items: { type: "string" } } },
          { name: "ids", in: "query", explode: false, schema: { type: "array", items: { type: "integer" } } },
          { name: "near", in: "query", style: "deepObject", explode: true, schema: { type: "object" } },
          { name: "pipes", in: "query", style: "pipeDelimited", explode: false, schema: { type: "array" } },
          { name: "where", in: "query", content: { "application/json": { schema: { type: "object" } } } },
          { name: "page", in: "query", schema: { type: "object", properties: { size: { type: "integer" } } } },
        ],
      },
      post: {
        operationId: "createPet",
        requestBody: { $ref: "#/components/requestBodies/Pet" },
      },
    },
    "/pets/{pet_id}": {
      parameters: [{ name: "pet_id", in: "path", required: true, schema: { $ref: "#/components/schemas/Id" } }],
      get: { operationId: "getPet", security: [{}, { key: [] }] },
      delete: {
        operationId: "deletePet",
        servers: [{ url: "https://{zone}.example.com/admin/", variables: { zone: { default: "eu" } } }],
        security: [{ both: [], key: [] }, { token: [] }],
        parameters: [
          { name: "X-Reason", in: "header", required: true, schema: { type: "string", minLength: 3 } },
          { name: "session", in: "cookie", schema: { type: "string" } },
        ],
      },
      put: {
        operationId: "replacePet",
        security: [{ basic: [] }],
        requestBody: {
          required: true,
          content: { "application/x-www-form-urlencoded": { schema: { type: "object" } } },
        },
      },
    },
    "/pets/{pet_id}/photo": {
      post: {
        operationId: "addPhoto",
        security: [{ signed: [] }],
        parameters: [{ name: "pet_id", in: "path", required: true, schema: { type: "integer" } }],
        requestBody: { content: { "multipart/form-data": {} } },
      },
    },
    "/search/{kind}": {
      get: {
        parameters: [
          { name: "kind", in: "path", required: true, schema: { type: "array", items: { type: "string" } } },
          { name: "kind", in: "query", schema: { type: "string", enum: ["exact", "like"] } },
        ],
        security: [{ inQuery: [] }],
      },
    },
    "/notes": {
      post: {
        operationId: "addNote",
        security: [],
        requestBody: { required: true, content: { "text/plain": { schema: { type: "string" } } } },
      },
    },
  },
  components: {
    parameters: { Trace: { name: "X-Trace", in: "header", schema: { type: "string" } } },
    requestBodies: {
      Pet: { required: true, content: { "application/json": { schema: { $ref: "#/components/schemas/Pet" } } } },
    },
    schemas: {
      Id: { type: "integer", minimum: 1 },
      Pet: {
        type: "object",
        required: ["id", "name"],
        additionalProperties: false,
        properties: {
          id: { allOf: [{ $ref: "#/components/schemas/Id" }], readOnly: true },
          name: { type: "string", minLength: 1, pattern: "^(a+)+$" },
          born: { type: "string", format: "date", nullable: true },
          kind: { type: "string", enum: ["cat", "dog"] },
          parents: { type: "array", maxItems: 2, items: { $ref: "#/components/schemas/Pet" } },
        },
      },
    },
    securitySchemes: {
      key: { type: "apiKey", in: "header", name: "X-Api-Key" },
      token: { type: "oauth2", flows: {} },
      basic: { type: "http", scheme: "basic" },
      both: { type: "http", scheme: "bearer" },
      inQuery: { type: "apiKey", in: "query", name: "api_key" },
      signed: { type: "http", scheme: "hoba" },
    },
  },
} as const;

/** The document with some of its top level changed. */
export function petstoreWith(changes: JsonObject): Json {
  return { ...(structuredClone(petstore) as unknown as JsonObject), ...changes };
}
