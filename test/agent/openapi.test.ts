import { describe, expect, test } from "vitest";
import {
  DOCUMENT_DEPTH_MAX,
  ENUM_VALUES_MAX,
  NAMED_OPERATIONS_MAX,
  REFERENCE_HOPS_MAX,
} from "#agent/openapi/limits.ts";
import type { ToolAnswer, ToolRequest } from "#agent/tool.ts";
import { OPERATION_ID_LENGTH_MAX, TOOL_RESULT_BYTES_MAX } from "#agent/tools/limits.ts";
import { fail, nodeError, ok } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import { call, type TestContext, testContext } from "./context.ts";
import { PETSTORE_URL, petstore, petstoreWith } from "./petstore.ts";

interface Outcome {
  answer: ToolAnswer;
  /** What was asked of the server; undefined when nothing was. */
  request: ToolRequest | undefined;
  error: string;
}

async function act(
  operation_id: string,
  params?: JsonObject,
  options: { auth_profile?: string; document?: Json; context?: TestContext; url?: string } = {},
): Promise<Outcome> {
  const context = options.context ?? testContext(() => ok({ done: true }));
  const document = options.document === undefined ? (petstore as unknown as Json) : options.document;
  context.ports.openApi = async () => ok(document);
  const { auth_profile } = options;
  const answer = await call(
    "openapi_action",
    {
      openapi_url: options.url ?? PETSTORE_URL,
      operation_id,
      ...(params === undefined ? {} : { params }),
      ...(auth_profile === undefined ? {} : { auth_profile }),
    },
    context,
  );
  return { answer, request: context.asked.requests[0], error: answer.ok ? "" : answer.error };
}

/** A document with one operation, `GET /x`. */
function withOperation(operation: JsonObject, rest: JsonObject = {}): Json {
  return { openapi: "3.1.0", info: {}, paths: { "/x": { get: operation } }, ...rest };
}

function withSchema(schema: Json, rest: JsonObject = {}): Json {
  return withOperation({ operationId: "x", parameters: [{ name: "p", in: "query", schema }] }, rest);
}

describe("openapi_action: the request", () => {
  test("parameters go where the document says, as it says", async () => {
    const { answer, request } = await act("listPets", {
      limit: 5,
      tags: ["a", "b c"],
      ids: [1, 2],
      near: { lat: 1.5, lon: 2 },
      pipes: ["x", "y"],
      where: { age: { gt: 3 } },
      page: { size: 10 },
      "X-Trace": "t1",
    });
    expect(answer).toStrictEqual({ ok: true, result: { status_code: 200, body: { done: true } } });
    expect(request).toStrictEqual({
      method: "GET",
      url: "https://pets.example.com/v1/pets",
      headers: { "X-Trace": "t1" },
      query: {
        limit: "5",
        tags: ["a", "b c"],
        ids: "1,2",
        "near[lat]": "1.5",
        "near[lon]": "2",
        pipes: "x|y",
        where: '{"age":{"gt":3}}',
        size: "10",
      },
      secrets: [],
    });
  });

  test("a path parameter is encoded, and cannot lead up or out", async () => {
    const document = withOperation({ operationId: "x" });
    (document as { paths: JsonObject }).paths = {
      "/files/{name}/raw": { get: { operationId: "x", parameters: [{ name: "name", in: "path", required: true }] } },
    };
    const url = async (name: string) => (await act("x", { name }, { document })).request?.url;
    expect(await url("a b/../c?d#e")).toBe("https://pets.example.com/files/a%20b%2F..%2Fc%3Fd%23e/raw");
    expect(await url("https://evil.example/")).toBe("https://pets.example.com/files/https%3A%2F%2Fevil.example%2F/raw");
    for (const name of ["", ".", ".."])
      expect((await act("x", { name }, { document })).error).toContain(`cannot be "${name}"`);
  });

  test("a body is JSON, a form or text, by what the operation takes", async () => {
    const created = await act("createPet", { body: { name: "aaa", born: null } }, { auth_profile: "PETS" });
    expect(created.request).toMatchObject({
      method: "POST",
      payload: { name: "aaa", born: null },
      headers: { "content-type": "application/json" },
    });
    const replaced = await act(
      "replacePet",
      { pet_id: 1, body: { name: "a b", tags: ["x", "y"], o: { a: 1 }, n: null } },
      { auth_profile: "PETS" },
    );
    expect(replaced.request).toMatchObject({
      method: "PUT",
      payload: "name=a+b&tags=x&tags=y&o=%7B%22a%22%3A1%7D&n=",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect((await act("addNote", { body: "hello" })).request).toMatchObject({
      payload: "hello",
      headers: { "content-type": "text/plain" },
    });
    expect((await act("addPhoto", { pet_id: 1, body: {} }, { auth_profile: "PETS" })).error).toContain(
      "multipart/form-data, which is not supported",
    );
  });

  test("a body that is a text is sent as JSON where JSON is taken", async () => {
    const document = withOperation({ operationId: "x", requestBody: { content: { "application/json": {} } } });
    expect((await act("x", { body: "hi" }, { document })).request).toMatchObject({ payload: '"hi"' });
  });

  test("the first server of the nearest list is asked; it may be relative, and have variables", async () => {
    expect((await act("listPets")).request?.url).toBe("https://pets.example.com/v1/pets");
    expect((await act("deletePet", { pet_id: 7, "X-Reason": "old" }, { auth_profile: "P" })).request?.url).toBe(
      "https://eu.example.com/admin/pets/7",
    );
    const mirror = petstoreWith({ servers: [{ url: "https://mirror.example.org/v1?x=1#y" }, { url: "/v2" }] });
    expect((await act("listPets", {}, { document: mirror })).request?.url).toBe("https://mirror.example.org/v1/pets");
    const none = petstoreWith({ servers: [] });
    expect((await act("listPets", {}, { document: none })).request?.url).toBe("https://pets.example.com/pets");
    const relative = petstoreWith({ servers: [{ url: "api" }] });
    expect((await act("listPets", {}, { document: relative })).request?.url).toBe(
      "https://pets.example.com/docs/api/pets",
    );
    const open = petstoreWith({ servers: [{ url: "https://{host}/" }] });
    expect((await act("listPets", {}, { document: open })).error).toContain("server variable {host} has no default");
    const broken = petstoreWith({ servers: [{ url: "http://[" }] });
    expect((await act("listPets", {}, { document: broken })).error).toContain("is not a URL");
  });

  test("a server that the guard refuses is refused there, however the document names it", async () => {
    const context = testContext((request) => fail(nodeError("url_refused", `refused ${new URL(request.url).host}`)));
    const document = petstoreWith({ servers: [{ url: "http://169.254.169.254/latest" }] });
    const { error } = await act("listPets", {}, { document, context });
    expect(error).toBe("url_refused: refused 169.254.169.254");
  });

  test("an operation without an id is known by method and path; a name in two places is told apart", async () => {
    const { request } = await act(
      "GET /search/{kind}",
      { "path.kind": ["a", "b/c"], "query.kind": "like" },
      { auth_profile: "PETS" },
    );
    expect(request).toMatchObject({
      url: "https://pets.example.com/v1/search/a%2Cb%2Fc",
      query: { kind: "like", api_key: `\${$secrets.PETS}` },
    });
    expect((await act("GET /pets", {})).request?.url).toBe("https://pets.example.com/v1/pets");
  });

  test("an answer too large for a model is cut, since the call has been made", async () => {
    const context = testContext(() => ok("x".repeat(TOOL_RESULT_BYTES_MAX)));
    const { answer } = await act("listPets", {}, { context });
    expect(answer).toMatchObject({ ok: true, result: { status_code: 200, body: { truncated: true } } });
  });

  test("an error of the server is the answer", async () => {
    const context = testContext(() =>
      fail(nodeError("http_status", "the server answered 404", { details: { status: 404, body: "no pet" } })),
    );
    expect((await act("getPet", { pet_id: 1 }, { context })).error).toBe(
      "http_status: the server answered 404; it said: no pet",
    );
  });
});

describe("openapi_action: parameters are checked before anything is sent", () => {
  test("every problem at once", async () => {
    const { error, request } = await act(
      "deletePet",
      { pet_id: 0, "X-Reason": "x", sesion: "typo" },
      { auth_profile: "PETS" },
    );
    expect(request).toBeUndefined();
    for (const part of [
      "pet_id: 0 is less than 1",
      "X-Reason: String is too short",
      'no parameter "sesion"; there are pet_id, X-Reason, session',
    ]) {
      expect(error).toContain(part);
    }
    expect((await act("deletePet", undefined, { auth_profile: "PETS" })).error).toBe(
      "the params do not fit: pet_id (path) is required; X-Reason (header) is required",
    );
  });

  test.each([
    ["limit", 0, "0 is less than 0"],
    ["limit", 101, "101 is greater than"],
    ["limit", "5", '"string" is invalid'],
    ["tags", "a", '"string" is invalid'],
    ["ids", [1, "2"], "ids/1"],
  ])("%s %j", async (name, value, message) => {
    const { error, request } = await act("listPets", { [name]: value });
    expect(error).toContain(message);
    expect(request).toBeUndefined();
  });

  test("a body is checked in depth, by references that refer to themselves", async () => {
    const create = (body: Json) => act("createPet", { body }, { auth_profile: "PETS" });
    expect((await create({ name: "a", parents: [{ name: "b", parents: [{ name: "c" }] }] })).error).toBe("");
    expect((await create({ name: "a", parents: [{ name: "b", parents: [{ kind: "cow" }] }] })).error).toContain(
      "body/parents/0/parents/0",
    );
    expect((await create({})).error).toContain('required property "name"');
    expect((await create({ name: "a", colour: "red" })).error).toContain("body/colour");
    expect((await create({ name: "a", born: "yesterday" })).error).toContain("body");
    expect((await act("createPet", {}, { auth_profile: "PETS" })).error).toBe(
      "the params do not fit: body is required",
    );
  });

  test("what only answers have is not required of a request", async () => {
    expect((await act("createPet", { body: { name: "a" } }, { auth_profile: "PETS" })).error).toBe("");
  });

  test("a reference to another document leaves the value to the server", async () => {
    const document = withSchema({ $ref: "https://elsewhere.example/schema.json" });
    expect((await act("x", { p: 5 }, { document })).error).toBe("");
  });

  test("an enum longer than its bound is left to the server", async () => {
    const values = (count: number) => withSchema({ enum: Array.from({ length: count }, (_, index) => index) });
    expect((await act("x", { p: -1 }, { document: values(ENUM_VALUES_MAX) })).error).toContain("p: ");
    expect((await act("x", { p: -1 }, { document: values(ENUM_VALUES_MAX + 1) })).error).toBe("");
  });
});

describe("openapi_action: credentials", () => {
  const as = (operation: string, params: JsonObject = {}) => act(operation, params, { auth_profile: "PETS" });
  const secret = `\${$secrets.PETS}`;

  test("stand where the scheme says, by name only, and no other secret may be used", async () => {
    expect((await as("createPet", { body: { name: "a" } })).request).toMatchObject({
      headers: { "X-Api-Key": secret },
      secrets: ["PETS"],
    });
    expect((await as("replacePet", { pet_id: 1, body: {} })).request).toMatchObject({
      headers: { authorization: `Basic ${secret}` },
    });
    expect((await as("getPet", { pet_id: 1 })).request).toMatchObject({ headers: { "X-Api-Key": secret } });
    const deleted = await as("deletePet", { pet_id: 1, "X-Reason": "old", session: "a b" });
    expect(deleted.request).toMatchObject({
      headers: { authorization: `Bearer ${secret}`, cookie: "session=a%20b", "X-Reason": "old" },
    });
  });

  test("are asked for where the operation needs them, with what it needs", async () => {
    expect((await act("createPet", { body: { name: "a" } })).error).toBe(
      "the operation needs credentials (key: apiKey header): name a secret as auth_profile",
    );
    expect((await act("getPet", { pet_id: 1 })).request).toMatchObject({ secrets: [] });
    expect((await as("addPhoto", { pet_id: 1 })).error).toContain("not supported: signed: http hoba");
  });

  test("are a bearer token where the document says nothing of them", async () => {
    const { request } = await act("x", {}, { auth_profile: "PETS", document: withOperation({ operationId: "x" }) });
    expect(request).toMatchObject({ headers: { authorization: `Bearer ${secret}` }, secrets: ["PETS"] });
  });

  test("are never taken from params: a secret could be published by the very host it is bound to", async () => {
    const cases: JsonObject[] = [
      { body: { name: "$secrets.PETS" } },
      { body: { name: "x", notes: ["$".concat("{ $secrets.PETS }")] } },
      { "X-Trace": "$secrets.PETS", body: { name: "a" } },
      { "$secrets.PETS": 1 },
    ];
    for (const params of cases) {
      const { error, request } = await act("createPet", params, { auth_profile: "PETS" });
      expect(error).toContain("cannot refer to a secret");
      expect(request).toBeUndefined();
    }
  });

  test("a document cannot smuggle a reference to another secret", async () => {
    const document = petstoreWith({ servers: [{ url: "https://pets.example.com/$secrets.OTHER" }] });
    const { request } = await act("createPet", { body: { name: "a" } }, { auth_profile: "PETS", document });
    expect(request).toMatchObject({ secrets: ["PETS"] });
  });

  test.each(["", "a b", "../x", "x".repeat(65), "a-b"])(
    "auth_profile %j is no name of a secret",
    async (auth_profile) => {
      expect((await act("listPets", {}, { auth_profile })).error).toContain("/auth_profile");
    },
  );
});

describe("openapi_action: documents", () => {
  test.each([
    [null, "it is not a JSON object"],
    ["text", "it is not a JSON object"],
    [{ swagger: "2.0" }, "Swagger 2.0; OpenAPI 3.0 or 3.1 is needed"],
    [{ openapi: "4.0.0" }, 'says "4.0.0" for "openapi"'],
    [{}, 'says null for "openapi"'],
    [{ openapi: "3.1.0" }, "the document has no operations"],
    [{ openapi: "3.1.0", paths: { "/x": { get: 5 } } }, "the document has no operations"],
    [{ openapi: "3.1.0", paths: { "/x": 5 } }, "path /x of the document is not an object"],
  ])("%j", async (document, message) => {
    expect((await act("x", {}, { document })).error).toContain(message);
  });

  test("an operation that does not exist: those of similar names come first", async () => {
    const { error } = await act("removePet");
    expect(error).toBe(
      'there is no operation "removePet"; there are listPets, createPet, getPet, replacePet, deletePet, addPhoto, GET /search/{kind}, addNote',
    );
    expect((await act("photos_add")).error).toContain("there are addPhoto, addNote, listPets");
    const paths = Object.fromEntries(
      Array.from({ length: NAMED_OPERATIONS_MAX + 5 }, (_, index) => [
        `/p${index}`,
        { get: { operationId: `op${index}` } },
      ]),
    );
    expect((await act("gone", {}, { document: { openapi: "3.0.0", paths } })).error).toContain("and 5 more");
    for (const name of ["__proto__", "constructor", "toString"])
      expect((await act(name)).error).toContain("there is no operation");
  });

  test("the document that is not there is an answer", async () => {
    const context = testContext();
    const answer = await call("openapi_action", { openapi_url: "https://e.com/x", operation_id: "x" }, context);
    expect(answer).toStrictEqual({ ok: false, error: '"openapi_url": there is nothing there' });
    expect(context.asked.documents).toStrictEqual(["https://e.com/x"]);
  });

  test("references: escapes, chains up to a bound, circles, and ways out of the document", async () => {
    const chain = (hops: number): Json => {
      const parameters = Object.fromEntries(
        Array.from({ length: hops }, (_, index) => [`p${index}`, { $ref: `#/components/parameters/p${index + 1}` }]),
      );
      return withOperation(
        { operationId: "x", parameters: [{ $ref: "#/components/parameters/p0" }] },
        { components: { parameters: { ...parameters, [`p${hops}`]: { name: "p", in: "query" } } } },
      );
    };
    expect((await act("x", { p: 1 }, { document: chain(REFERENCE_HOPS_MAX - 1) })).error).toBe("");
    expect((await act("x", { p: 1 }, { document: chain(REFERENCE_HOPS_MAX) })).error).toContain(
      "leads to too many others",
    );
    const to = ($ref: Json) =>
      withOperation(
        { operationId: "x", parameters: [{ $ref }] },
        { "a/b~c d": { name: "p", in: "query" }, __proto: 1 },
      );
    expect((await act("x", { p: 1 }, { document: to("#/a~1b~0c%20d") })).error).toBe("");
    expect((await act("x", { p: 1 }, { document: to("#/paths/~1x/get/parameters/0") })).error).toContain(
      "leads to too many others",
    );
    expect((await act("x", { p: 1 }, { document: to("other.json#/x") })).error).toContain("refers to another document");
    expect((await act("x", { p: 1 }, { document: to("#/gone") })).error).toContain("refers to nothing");
    expect((await act("x", { p: 1 }, { document: to("#/__proto__/toString") })).error).toContain("refers to nothing");
    expect((await act("x", { p: 1 }, { document: to(5) })).error).toContain("refers to another document");
  });

  test("depth is bounded", async () => {
    const deep = (levels: number): Json => {
      let value: Json = 1;
      for (let level = 1; level < levels; level++) value = [value];
      return withOperation({ operationId: "x" }, { "x-deep": value });
    };
    expect((await act("x", {}, { document: deep(DOCUMENT_DEPTH_MAX) })).error).toBe("");
    expect((await act("x", {}, { document: deep(DOCUMENT_DEPTH_MAX + 1) })).error).toContain(
      `deeper than ${DOCUMENT_DEPTH_MAX}`,
    );
  });

  test("the length of an operation's id is bounded", async () => {
    expect((await act("x".repeat(OPERATION_ID_LENGTH_MAX))).error).toContain("there is no operation");
    expect((await act("x".repeat(OPERATION_ID_LENGTH_MAX + 1))).error).toContain("/operation_id");
  });
});

describe("openapi_action: hostile documents end within their work", () => {
  test("schemas that double at each level, by references and by depth", async () => {
    const levels = 60;
    const schemas = Object.fromEntries(
      Array.from({ length: levels }, (_, index) => {
        const $ref = `#/components/schemas/s${index + 1}`;
        return [`s${index}`, { allOf: [{ $ref }, { $ref }] }];
      }),
    );
    const doubling = withSchema(
      { $ref: "#/components/schemas/s0" },
      { components: { schemas: { ...schemas, [`s${levels}`]: { type: "string" } } } },
    );
    expect((await act("x", { p: "a" }, { document: doubling })).error).toContain("the document is too complicated");

    const node = {
      type: "object",
      properties: { a: { allOf: [{ $ref: "#/components/schemas/n" }, { $ref: "#/components/schemas/n" }] } },
    };
    let value: Json = {};
    for (let level = 0; level < 50; level++) value = { a: value };
    const branching = withSchema({ $ref: "#/components/schemas/n" }, { components: { schemas: { n: node } } });
    expect((await act("x", { p: value }, { document: branching })).error).toContain("the document is too complicated");
  });

  test("schemas that go round in a circle", async () => {
    const document = withSchema(
      { $ref: "#/components/schemas/a" },
      { components: { schemas: { a: { $ref: "#/components/schemas/b" }, b: { $ref: "#/components/schemas/a" } } } },
    );
    const { error } = await act("x", { p: 1 }, { document });
    expect(error).toMatch(/goes round in a circle|too complicated/);
  });

  test("patterns are not run here", async () => {
    const document = withSchema({ type: "string", pattern: "^(a+)+$", format: "regex" });
    expect((await act("x", { p: `${"a".repeat(50_000)}!` }, { document })).error).toBe("");
  });

  test("very many operations and parameters", async () => {
    const parameters = Array.from({ length: 5_000 }, (_, index) => ({
      name: `p${index}`,
      in: "query",
      required: true,
      schema: { type: "string" },
    }));
    const { error } = await act("x", {}, { document: withOperation({ operationId: "x", parameters }) });
    expect(error.length).toBeLessThan(4_100);
    const withPaths = (count: number): Json => ({
      openapi: "3.0.0",
      paths: Object.fromEntries(Array.from({ length: count }, (_, index) => [`/p${index}`, { get: {} }])),
    });
    expect((await act("gone", {}, { document: withPaths(50_000) })).error).toContain("there is no operation");
    expect((await act("gone", {}, { document: withPaths(100_000) })).error).toContain(
      "the document is too complicated",
    );
  });

  test("members named like members of objects", async () => {
    const document = JSON.parse(
      '{"openapi":"3.0.0","paths":{"__proto__":{"get":{"operationId":"x","parameters":[{"name":"__proto__","in":"query","schema":{"type":"object","properties":{"__proto__":{"type":"string"}}}}]}}}}',
    ) as Json;
    const params = JSON.parse('{"__proto__":{"__proto__":5}}') as JsonObject;
    expect((await act("x", params, { document })).error).toContain("__proto__");
    expect(({} as { name?: string }).name).toBeUndefined();
  });
});
