// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are Weir's templates, not JavaScript's
import { describe, expect, test } from "vitest";
import { SECRET_LENGTH_MIN, SECRET_REFERENCES_MAX } from "#http/limits.ts";
import { bindingFailure, environmentSecrets, noSecrets, SecretReferences } from "#http/secrets.ts";
import type { Json } from "#kernel/json.ts";

const target = new URL("https://api.example.com/v1");
const store = environmentSecrets({
  WEIR_SECRET_TOKEN: "canary-token",
  WEIR_SECRET_TOKEN_HOSTS: "api.example.com, *.partner.example,10.0.0.1:9000",
  WEIR_SECRET_OTHER: "canary-other\n",
  WEIR_SECRET_OTHER_HOSTS: "api.example.com",
  WEIR_SECRET_UNBOUND: "canary-unbound",
  WEIR_SECRET_EMPTY: " ",
  WEIR_SECRET_BINDING: { fetch() {} },
});

describe("secrets from the environment", () => {
  test("are values with their hosts, free of white space", () => {
    expect(store.get("TOKEN")).toEqual({
      value: "canary-token",
      hosts: ["api.example.com", "*.partner.example", "10.0.0.1:9000"],
    });
    expect(store.get("other")).toEqual({ value: "canary-other", hosts: ["api.example.com"] });
    expect(store.get("UNBOUND")).toEqual({ value: "canary-unbound", hosts: [] });
  });

  test.each(["MISSING", "EMPTY", "BINDING", "TOKEN_HOSTS", "__proto__"])("there is no %s", (name) => {
    expect(store.get(name)).toBeUndefined();
  });

  test("are read as own properties only", () => {
    expect(environmentSecrets(Object.create({ WEIR_SECRET_TOKEN: "inherited" })).get("TOKEN")).toBeUndefined();
  });
});

describe("references to secrets", () => {
  test.each<[string, string]>([
    ["$secrets.TOKEN", "canary-token"],
    ["Bearer ${$secrets.TOKEN}", "Bearer canary-token"],
    ["${ $secrets.TOKEN }:${$secrets.OTHER}", "canary-token:canary-other"],
    ["use $secrets.TOKEN here", "use $secrets.TOKEN here"],
    ["$secrets.TOKEN.x", "$secrets.TOKEN.x"],
    ["${secrets.TOKEN}", "${secrets.TOKEN}"],
    ["plain", "plain"],
  ])("%j becomes %j", (template, expected) => {
    const references = new SecretReferences(store, target);
    expect(references.text(template)).toBe(expected);
    expect(references.failure).toBeNull();
  });

  test("are resolved in strings at any depth of a payload, not in keys", () => {
    const references = new SecretReferences(store, target);
    const payload: Json = JSON.parse('{"a":[{"b":"$secrets.TOKEN"},1,null],"$secrets.OTHER":true,"__proto__":{"x":1}}');
    const resolved = references.json(payload);
    expect(JSON.stringify(resolved)).toBe(
      '{"a":[{"b":"canary-token"},1,null],"$secrets.OTHER":true,"__proto__":{"x":1}}',
    );
    expect(references.used.map(({ name }) => name)).toEqual(["TOKEN"]);
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  test("are not looked for in the value of a secret", () => {
    const nested = { get: () => ({ value: "${$secrets.OTHER}", hosts: ["api.example.com"] }) };
    expect(new SecretReferences(nested, target).text("${$secrets.TOKEN}")).toBe("${$secrets.OTHER}");
  });

  test("to a missing secret name it and say what to set", () => {
    const references = new SecretReferences(noSecrets, target);
    references.text("$secrets.TOKEN");
    expect(references.failure?.error).toMatchObject({ code: "secret_missing" });
    expect(references.failure?.error.message).toBe(
      "secret TOKEN is not set: set WEIR_SECRET_TOKEN and WEIR_SECRET_TOKEN_HOSTS",
    );
  });

  test("to a secret for another host say what to set", () => {
    const references = new SecretReferences(store, new URL("https://evil.example/"));
    references.text("$secrets.TOKEN");
    expect(references.failure).toMatchObject({ refused: "secret_host", error: { code: "url_refused" } });
    expect(references.failure?.error.message).toBe(
      "secret TOKEN is not bound to this host: add evil.example to WEIR_SECRET_TOKEN_HOSTS",
    );
  });

  test("to a secret without hosts go nowhere", () => {
    const references = new SecretReferences(store, target);
    expect(references.text("$secrets.UNBOUND")).toBe("");
    expect(references.failure?.error.message).toContain("add api.example.com to WEIR_SECRET_UNBOUND_HOSTS");
  });

  test.each(["$secrets.a-b", `$secrets.${"A".repeat(65)}`, "${$secrets.}", "${$secrets.a-b}", "${$secrets.TOKEN[0]}"])(
    "%s is no valid name",
    (template) => {
      const references = new SecretReferences(store, target);
      references.text(template);
      expect(references.failure?.error.message).toBe("a reference to a secret has no valid name");
    },
  );

  test("a name has at most 64 characters", () => {
    const any = { get: () => ({ value: "canary-token", hosts: ["api.example.com"] }) };
    expect(new SecretReferences(any, target).text(`$secrets.${"A".repeat(64)}`)).toBe("canary-token");
  });

  test("are limited to the names that the node declares", () => {
    const references = new SecretReferences(store, target, ["TOKEN"]);
    expect(references.text("$secrets.TOKEN")).toBe("canary-token");
    expect(references.text("$secrets.OTHER")).toBe("");
    expect(references.failure?.error).toMatchObject({ code: "secret_missing" });
    expect(references.failure?.error.message).toContain("config.secrets");
  });

  test("keep the first failure", () => {
    const references = new SecretReferences(store, target);
    references.text("$secrets.MISSING ${$secrets.FIRST} ${$secrets.SECOND}");
    expect(references.failure?.error.message).toContain("FIRST");
  });

  test(`a secret of ${SECRET_LENGTH_MIN} characters is used, a shorter one is not`, () => {
    const sized = (length: number) => ({ get: () => ({ value: "x".repeat(length), hosts: ["api.example.com"] }) });
    expect(new SecretReferences(sized(SECRET_LENGTH_MIN), target).text("$secrets.A")).toHaveLength(SECRET_LENGTH_MIN);
    const references = new SecretReferences(sized(SECRET_LENGTH_MIN - 1), target);
    expect(references.text("$secrets.A")).toBe("");
    expect(references.failure?.error.code).toBe("secret_missing");
  });

  test(`a request refers to secrets ${SECRET_REFERENCES_MAX} times, not once more`, () => {
    const references = new SecretReferences(store, target);
    references.text("${$secrets.TOKEN}".repeat(SECRET_REFERENCES_MAX));
    expect(references.failure).toBeNull();
    references.text("$secrets.TOKEN");
    expect(references.failure?.error.code).toBe("payload_too_large");
  });

  test("a payload may nest 64 deep, not deeper", () => {
    const nested = (depth: number): Json => JSON.parse("[".repeat(depth) + "]".repeat(depth));
    const references = new SecretReferences(store, target);
    expect(references.json(nested(64))).toEqual(nested(64));
    expect(references.failure).toBeNull();
    references.json(nested(65));
    expect(references.failure?.error.code).toBe("payload_too_large");
  });
});

describe("binding of secrets", () => {
  const secrets = [{ name: "TOKEN", value: "canary-token", hosts: store.get("TOKEN")?.hosts ?? [] }];

  test.each([
    ["https://api.example.com/", true],
    ["http://api.example.com/", true],
    ["https://API.example.com:443/", true],
    ["https://a.partner.example/", true],
    ["http://10.0.0.1:9000/", true],
    ["http://10.1:9000/", true],
    ["https://api.example.com:8443/", false],
    ["https://partner.example/", false],
    ["https://api.example.com.evil.example/", false],
    ["https://xapi.example.com/", false],
    ["http://10.0.0.1/", false],
    ["http://10.0.0.1:9001/", false],
  ])("%s: %s", (url, isBound) => {
    expect(bindingFailure(secrets, new URL(url)) === null).toBe(isBound);
  });

  test("names the port when it is not the scheme's own", () => {
    const failure = bindingFailure(secrets, new URL("http://127.0.0.1:9000/"));
    expect(failure?.error.message).toContain("add 127.0.0.1:9000 to WEIR_SECRET_TOKEN_HOSTS");
  });
});
