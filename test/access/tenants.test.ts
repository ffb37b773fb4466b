import { describe, expect, test } from "vitest";
import { isBuiltIn, OPERATOR_TENANT, SYSTEM_TENANT, TENANT_PATTERN } from "#access/tenants.ts";

describe("tenant ids", () => {
  test.each(["a", "acme", "a-1", `a${"b".repeat(31)}`, OPERATOR_TENANT, SYSTEM_TENANT])("%s is one", (id) => {
    expect(TENANT_PATTERN.test(id)).toBe(true);
  });

  test.each(["", "A", "1a", "-a", "a_b", "a/b", "a\n", "ä", `a${"b".repeat(32)}`])("%j is none", (id) => {
    expect(TENANT_PATTERN.test(id)).toBe(false);
  });

  test("the operator's and Weir's own are built in, others are not", () => {
    expect([OPERATOR_TENANT, SYSTEM_TENANT, "acme"].map(isBuiltIn)).toEqual([true, true, false]);
  });
});
