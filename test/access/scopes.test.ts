import { describe, expect, test } from "vitest";
import { OPERATOR, type Principal, SCOPES, type Scope, ungrantable } from "#access/scopes.ts";

const maker = (...scopes: Scope[]): Principal => ({ keyId: "key_1", tenant: "acme", scopes: new Set(scopes) });

describe("what a maker may give to a key", () => {
  test("the operator gives any scope", () => {
    expect(ungrantable(OPERATOR, SCOPES)).toEqual([]);
  });

  test("anybody gives what they have", () => {
    expect(ungrantable(maker("admin", "read", "run"), ["read", "admin"])).toEqual([]);
  });

  test("nobody gives what they lack", () => {
    expect(ungrantable(maker("admin", "read"), ["read", "write", "run"])).toEqual(["write", "run"]);
  });

  test("metrics reaches beyond the tenant: to have it is not enough to give it", () => {
    expect(ungrantable(maker("admin", "metrics"), ["metrics"])).toEqual(["metrics"]);
    expect(ungrantable(maker("admin", "metrics", "operator"), ["metrics", "operator"])).toEqual([]);
    expect(ungrantable(maker("admin", "operator"), ["metrics"])).toEqual(["metrics"]);
  });
});
