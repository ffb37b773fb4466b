import { describe, expect, test } from "vitest";
import { coversHost, listsHostPort, normalHostPort } from "#http/host-pattern.ts";

describe("host pattern", () => {
  test.each([
    ["127.0.0.1:80", "127.0.0.1:80"],
    ["0x7f.1:9000", "127.0.0.1:9000"],
    ["LocalHost.:9000", "localhost:9000"],
    ["[0::1]:9000", "[::1]:9000"],
    ["example.com:443", "example.com:443"],
    ["example.com", null],
    ["[::1]", null],
    ["::1:9000", null],
    ["example.com:99999", null],
    ["user@example.com:80", null],
    ["example.com/x:80", null],
    ["example.com?x:80", null],
    ["", null],
  ])("reads %j as %j", (text, normal) => {
    expect(normalHostPort(text)).toBe(normal);
  });

  test("lists a host and port exactly", () => {
    expect(listsHostPort(["127.0.0.1:9000"], new URL("http://127.1:9000/"))).toBe(true);
    expect(listsHostPort(["127.0.0.1:9000"], new URL("http://127.0.0.1:9001/"))).toBe(false);
    expect(listsHostPort([], new URL("http://127.0.0.1:9000/"))).toBe(false);
  });

  test.each([
    ["api.example.com", "https://api.example.com/", true, true],
    ["api.example.com", "https://api.example.com:8443/", true, false],
    ["API.example.com.", "https://api.example.com/", true, true],
    ["api.example.com:8443", "https://api.example.com:8443/", true, true],
    ["api.example.com:8443", "https://api.example.com/", false, false],
    ["api.example.com:443", "https://api.example.com/", true, true],
    ["api.example.com:443", "http://api.example.com/", false, false],
    ["*.example.com", "https://a.b.example.com/", true, true],
    ["*.example.com", "https://example.com/", false, false],
    ["*.example.com", "https://badexample.com/", false, false],
    ["*.example.com:8443", "https://a.example.com:8443/", true, true],
    ["*.example.com:8443", "https://a.example.com/", false, false],
    ["[::1]:9000", "http://[0::1]:9000/", true, true],
    ["*", "https://example.com/", false, false],
    ["*.", "https://example.com/", false, false],
    ["", "https://example.com/", false, false],
    ["https://example.com", "https://example.com/", false, false],
    ["example.com/path", "https://example.com/", false, false],
  ])("%j and %s: %s with any port, %s with the scheme's own", (pattern, url, anyPort, ownPort) => {
    expect(coversHost(pattern, new URL(url), true)).toBe(anyPort);
    expect(coversHost(pattern, new URL(url), false)).toBe(ownPort);
  });
});
