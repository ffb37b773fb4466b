import { describe, expect, test } from "vitest";
import { HOST_NAME_LENGTH_MAX } from "#http/host-name.ts";
import { PATH_DECODINGS } from "#http/path-rules.ts";
import { URL_REFUSALS, type UrlRefusal } from "#http/refusal.ts";
import { judgeAddresses, judgeUrl, needsResolution, type UrlPolicy } from "#http/url-guard.ts";
import { URL_LENGTH_MAX } from "#workflow/limits.ts";

const strict: UrlPolicy = { allowPrivateHosts: new Set(), ownOrigins: new Set() };

function reasonFor(url: string, policy: UrlPolicy = strict): UrlRefusal | "allowed" {
  const verdict = judgeUrl(url, policy);
  return verdict.allowed ? "allowed" : verdict.reason;
}

const REFUSED: Record<string, { reason: UrlRefusal; urls: string[] }> = {
  "spellings of IPv4 loopback": {
    reason: "address",
    urls: [
      ...[
        "http://127.0.0.1/",
        "http://127.1/",
        "http://127.0.1/",
        "http://127.255.255.254/",
        "http://0/",
        "http://0.0.0.0/",
      ],
      ...["http://2130706433/", "http://0x7f000001/", "http://0X7F000001/", "http://017700000001/", "http://0x7f.1/"],
      ...[
        "http://0177.0.0.1/",
        "http://0177.0x0.0.1/",
        "http://00177.0.0.01/",
        "http://0x7f.0x0.0x0.0x1/",
        "http://0x0/",
      ],
      ...["http://127.0.0.1./", "http://127%2e0%2e0%2e1/", "http://%31%32%37.0.0.1/", "http://127。0。0。1/"],
      ...[
        "http://127．0．0．1/",
        "http://127｡0｡0｡1/",
        "http://１２７.0.0.1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://𝟏𝟐𝟕.0.0.1/",
      ],
      ...["http://127.0.0.1:80/", "https://127.0.0.1:443/x?y=z", "HTTP://127.0.0.1", "  http://127.0.0.1/  "],
    ],
  },
  "private, shared and metadata IPv4": {
    reason: "address",
    urls: [
      ...["http://10.0.0.1/", "http://10.1/", "http://167772161/", "http://0xa.0.0.1/", "http://012.0.0.1/"],
      ...[
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.168.0.1/",
        "http://192.168.1/",
        "http://0xc0a80001/",
      ],
      ...[
        "http://169.254.169.254/latest/meta-data/",
        "http://169.254.43518/",
        "http://2852039166/",
        "http://0xA9FEA9FE/",
      ],
      ...[
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://0251.0376.0251.0376/",
        "http://0251.254.169.254/",
        "http://169.254.170.2/",
      ],
      ...[
        "http://168.63.129.16/",
        "http://100.100.100.200/",
        "http://100.64.0.1/",
        "http://198.18.0.1/",
        "http://192.0.0.192/",
      ],
      ...[
        "http://224.0.0.1/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://4294967295/",
        "http://192.0.2.1/",
      ],
      ...["http://192.88.99.1/", "http://198.51.100.7/", "http://203.0.113.9/"],
    ],
  },
  "IPv6 literals": {
    reason: "address",
    urls: [
      ...[
        "http://[::1]/",
        "http://[::]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[0000::0001]/",
        "http://[::127.0.0.1]/",
      ],
      ...[
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::FFFF:a9fe:a9fe]/",
        "http://[::ffff:8.8.8.8]/",
      ],
      ...["http://[0:0:0:0:0:ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::10.0.0.1]/"],
      ...["http://[64:ff9b:1::1]/", "http://[2002:7f00:1::]/", "http://[2002:a00:1::1]/", "http://[2001:0:7f00:1::]/"],
      ...[
        "http://[fe80::1]/",
        "http://[fec0::1]/",
        "http://[fc00::1]/",
        "http://[fd00:ec2::254]/",
        "http://[ff02::1]/",
      ],
      ...["http://[2001:db8::1]/", "http://[3fff::1]/", "http://[5f00::1]/", "http://[100::1]/", "http://[4000::1]/"],
    ],
  },
  "host names": {
    reason: "host_name",
    urls: [
      ...[
        "http://localhost/",
        "http://LOCALHOST/",
        "http://localhost./",
        "http://a.localhost/",
        "http://ｌｏｃａｌｈｏｓｔ/",
      ],
      ...[
        "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
        "http://local%68ost/",
        "http://localhost。/",
        "http://printer.local/",
        "http://printer.LOCAL./",
      ],
      ...[
        "http://db.internal/",
        "http://metadata.google.internal/",
        "http://metadata.google.internal./",
        "http://metadata/",
      ],
      ...[
        "http://metadata.goog/",
        "http://metadata.tencentyun.com/",
        "http://instance-data/latest/",
        "http://api.svc/",
      ],
      ...["http://kubernetes.default.svc/", "http://kubernetes.default.svc.cluster.local/", "http://nas.lan/"],
      ...["http://router.home.arpa/", "http://home.arpa/", "http://intranet/", "http://db.corp/", "http://pc.home/"],
      ...[
        "http://app.localdomain/",
        "http://127.0.0.1.nip.io/",
        "http://localtest.me/",
        "http://a.lvh.me/",
        "http://com/",
      ],
      ...[
        "http://example.com./",
        "http://foo..example.com/",
        "http://-a.example.com/",
        "http://a!.example.com/",
        "http://*.com/",
      ],
    ],
  },
  schemes: {
    reason: "scheme",
    urls: [
      ...[
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/",
        "javascript:alert(1)",
        "data:text/plain,x",
      ],
      ...[
        "ws://example.com/",
        "wss://example.com/",
        "dict://127.0.0.1:11211/stat",
        "ldap://example.com/",
        "blob:http://a/b",
      ],
      ...[
        "view-source:http://example.com/",
        "jar:http://example.com!/",
        "about:blank",
        "httpx://example.com/",
        "c:/windows",
      ],
    ],
  },
  "user info": {
    reason: "user_info",
    urls: [
      ...["http://user:pass@example.com/", "http://user@example.com/", "http://@example.com/", "http://:@example.com/"],
      ...[
        "http://example.com@127.0.0.1/",
        "http://127.0.0.1@example.com/",
        "https://example.com%2f@127.0.0.1/",
        "http://a@b@c.com/",
      ],
    ],
  },
  ports: {
    reason: "port",
    urls: [
      ...["http://example.com:22/", "https://example.com:8443/", "http://example.com:8080/", "http://example.com:0/"],
      ...["http://example.com:65535/", "https://1.1.1.1:53/", "http://[2606:4700::1]:6379/"],
    ],
  },
  "what is no absolute URL": {
    reason: "invalid_url",
    urls: [
      ...[
        "",
        " ",
        "example.com",
        "/path",
        "//example.com/",
        "http:",
        "http://",
        "http:///",
        "http://[::1",
        "http://a b.com/",
      ],
      ...[
        "http:example.com",
        "http:/example.com",
        "http:///example.com",
        "http:\\\\example.com\\",
        "http:/\\example.com/",
      ],
      ...[
        "http://example.com\\@127.0.0.1/",
        "http://example.com:99999/",
        "http://example.com:a/",
        "http://[fe80::1%25eth0]/",
      ],
      ...[
        "http://[fe80::1%eth0]/",
        "http://256.256.256.256/",
        "http://0x100000000/",
        "http://1.2.3.4.5/",
        "http://%00.com/",
      ],
      ...[
        "http://exam\nple.com/",
        "http://example.com/\r\nx",
        "java\tscript:x",
        "http://example.com/\0",
        "\x01http://example.com/",
      ],
      ...["http://127.0.0.1%23.example.com/", "http://%2f/", "http://exa%mple.com/"],
      ...["https://example.com\\etc\\passwd", "https://example.com\\path"],
    ],
  },
  paths: {
    reason: "path",
    urls: [
      ...[
        "https://example.com/../x",
        "https://example.com/a/../../etc",
        "https://example.com/a/..",
        "https://example.com/..",
      ],
      ...[
        "https://example.com/..?x",
        "https://example.com/..#x",
        "https://example.com/..;/x",
        "https://example.com/a\\..\\b",
      ],
      ...[
        "https://example.com/%2e%2e/x",
        "https://example.com/.%2E/x",
        "https://example.com/%2e%2e%2fx",
        "https://example.com/..%2fx",
      ],
      ...["https://example.com/..%5cx", "https://example.com/%252e%252e%252fx", "https://example.com/..%252fx"],
      ...[
        "https://example.com/%25%32%65%25%32%65/",
        "https://example.com/%c0%ae%c0%ae%c0%afx",
        "https://example.com/..%c1%9cx",
      ],
      ...["https://example.com/etc/passwd", "https://example.com/x/ETC/hosts", "https://example.com/%65tc/passwd"],
      ...[
        "https://example.com/%2565tc%252fpasswd",
        "https://example.com/\\etc\\passwd",
        "https://example.com/%5cetc%5cpasswd",
      ],
      ...[
        "https://example.com/proc/self/environ",
        "https://example.com/%70roc/1",
        "https://example.com/x?f=/proc/self/maps",
      ],
      ...[
        "https://example.com/.env",
        "https://example.com/app/.env.local",
        "https://example.com/%2eenv",
        "https://example.com/.%2565nv",
      ],
      ...[
        "https://example.com/C:/Windows",
        "https://example.com/c:\\x",
        "https://example.com/x?f=C:\\boot.ini",
        "https://example.com/C%3A/x",
      ],
      ...[
        "https://example.com/x?f=c%3A%5Cboot.ini",
        "https://example.com/x?f=d%253A%255C",
        "https://example.com/?/C:/x",
      ],
      ...[
        "https://example.com/x?f=../secret",
        "https://example.com/x?f=..%2Fsecret",
        "https://example.com/x?f=%252e%252e%252f",
      ],
      ...[
        "https://example.com/x?f=..",
        "https://example.com/x?f=..&g=1",
        "https://example.com/x?f=..\\secret",
        "https://example.com/x?/etc/passwd",
      ],
      "https://example.com/a\\path",
    ],
  },
};

const ALLOWED = [
  ...[
    "https://example.com",
    "http://example.com/",
    "https://example.com:443/",
    "http://example.com:80/",
    "http://example.com:443/",
  ],
  ...[
    "https://api.example.com/v1/items?limit=10&sort=-name#top",
    "HTTPS://EXAMPLE.COM/Path",
    "  https://example.com/  ",
  ],
  ...["https://1.1.1.1/dns-query", "https://8.8.8.8/", "http://134744072/", "https://[2606:4700:4700::1111]/"],
  ...[
    "https://xn--bcher-kva.example.org/",
    "https://bücher.example.org/",
    "https://a_b.example.com/",
    "https://EXAMPLE。com/",
  ],
  ...[
    "https://example.com/a..b/c",
    "https://example.com/a...",
    "https://example.com/etcetera",
    "https://example.com/processes/1",
  ],
  ...[
    "https://example.com/environment",
    "https://example.com/env",
    "https://example.com/a%20b?q=hello world",
    "https://example.com/%",
  ],
  ...[
    "https://example.com/x?url=https://example.org/",
    "https://example.com/x?t=12:30",
    "https://example.com/x?q=100%25",
  ],
  ...[
    "https://localhost.example.com/",
    "https://internal.example.com/",
    "https://mylocal.com/",
    "https://notlocalhost.net/",
  ],
  ...[
    "https://example.com/@user",
    "https://example.com/x?mail=a@example.com",
    "https://example.com/a:b",
    "https://example.com/%zz",
  ],
  ...[
    "https://example.com/x?path=C:",
    "https://example.com/x#../",
    "https://nip.io.example.com/",
    "https://lan.example/",
  ],
];

describe("URL guard: refused", () => {
  for (const [kind, { reason, urls }] of Object.entries(REFUSED)) {
    test.each(urls)(`${kind}: %j`, (url) => {
      expect(reasonFor(url)).toBe(reason);
    });
  }

  test("gives reasons from the closed list only, and says why in words", () => {
    for (const url of Object.values(REFUSED).flatMap(({ urls }) => urls)) {
      const verdict = judgeUrl(url, strict);
      if (verdict.allowed) throw new Error(url);
      expect(URL_REFUSALS).toContain(verdict.reason);
      expect(verdict.message).toMatch(/\w{3,}/);
    }
  });
});

describe("URL guard: allowed", () => {
  test.each(ALLOWED)("%j", (url) => {
    expect(judgeUrl(url, strict)).toEqual({ allowed: true, url: new URL(url) });
  });
});

describe("URL guard: bounds", () => {
  test(`a URL of ${URL_LENGTH_MAX} characters passes, one more does not`, () => {
    const url = "https://example.com/".padEnd(URL_LENGTH_MAX, "a");
    expect(reasonFor(url)).toBe("allowed");
    expect(reasonFor(`${url}a`)).toBe("invalid_url");
  });

  test(`a host name of ${HOST_NAME_LENGTH_MAX} characters passes, one more does not`, () => {
    const label = "a".repeat(60);
    const longest = `${label}.${label}.${label}.${label}.${"b".repeat(HOST_NAME_LENGTH_MAX - 4 * 61 - 3)}.cc`;
    expect(longest).toHaveLength(HOST_NAME_LENGTH_MAX);
    expect(reasonFor(`https://${longest}/`)).toBe("allowed");
    expect(reasonFor(`https://b${longest.slice(1)}b/`)).toBe("host_name");
  });

  test("a label of 63 characters passes, one more does not", () => {
    expect(reasonFor(`https://${"a".repeat(63)}.com/`)).toBe("allowed");
    expect(reasonFor(`https://${"a".repeat(64)}.com/`)).toBe("host_name");
  });

  test(`a path is decoded ${PATH_DECODINGS} times and no more`, () => {
    const encoded = (times: number) => `https://example.com/${`%${"25".repeat(times - 1)}2e`.repeat(2)}/x`;
    expect(reasonFor(encoded(PATH_DECODINGS))).toBe("path");
    expect(reasonFor(encoded(PATH_DECODINGS + 1))).toBe("allowed");
  });
});

describe("URL guard: listed private hosts", () => {
  const policy: UrlPolicy = {
    ...strict,
    allowPrivateHosts: new Set([
      "127.0.0.1:9000",
      "LOCALHOST:9001",
      "[::1]:9002",
      "10.0.0.1:80",
      "10.0.0.2",
      "bad entry",
    ]),
  };

  test.each([
    ...[
      "http://127.0.0.1:9000/",
      "https://127.0.0.1:9000/",
      "http://127.1:9000/",
      "http://0x7f000001:9000/",
      "http://127.0.0.1.:9000/",
    ],
    ...[
      "http://localhost:9001/",
      "http://LocalHost.:9001/",
      "http://[::1]:9002/",
      "http://[0::1]:9002/",
      "http://10.0.0.1/",
    ],
  ])("passes %s", (url) => {
    expect(reasonFor(url, policy)).toBe("allowed");
  });

  test.each([
    ["http://127.0.0.1:9001/", "address"],
    ["http://127.0.0.1/", "address"],
    ["http://127.0.0.2:9000/", "address"],
    ["http://localhost:9000/", "host_name"],
    ["http://a.localhost:9001/", "host_name"],
    ["http://[::ffff:127.0.0.1]:9000/", "address"],
    ["https://10.0.0.1/", "address"],
    ["http://10.0.0.2/", "address"],
    ["http://user@127.0.0.1:9000/", "user_info"],
    ["http://127.0.0.1:9000/../x", "path"],
    ["http://127.0.0.1:9000/x?f=/etc/passwd", "path"],
    ["ftp://127.0.0.1:9000/", "scheme"],
    ["http://example.com:9000/", "port"],
  ])("refuses %s", (url, reason) => {
    expect(reasonFor(url, policy)).toBe(reason);
  });

  test("the lists of the tenant bind a listed private host too", () => {
    expect(reasonFor("http://127.0.0.1:9000/", { ...policy, denyHosts: ["127.0.0.1"] })).toBe("denied_host");
    expect(reasonFor("http://127.0.0.1:9000/", { ...policy, allowHosts: ["example.com"] })).toBe("not_allowed_host");
    expect(reasonFor("http://127.0.0.1:9000/", { ...policy, allowHosts: ["127.0.0.1:9000"] })).toBe("allowed");
  });
});

describe("URL guard: Weir's own origin", () => {
  const policy: UrlPolicy = { ...strict, ownOrigins: new Set(["https://weir.example.com", "http://127.0.0.1:8787"]) };

  test.each([
    ...[
      "https://weir.example.com/runs",
      "http://weir.example.com/",
      "https://WEIR.example.com:443/",
      "https://weir.example.com./",
    ],
    ...["http://weir.example.com:443/", "http://127.0.0.1:8787/", "http://0x7f.1:8787/"],
  ])("refuses %s", (url) => {
    expect(reasonFor(url, policy)).toBe("own_origin");
  });

  test("leaves other hosts and ports to the other rules", () => {
    expect(reasonFor("https://other.example.com/", policy)).toBe("allowed");
    expect(reasonFor("https://weir.example.com:8443/", policy)).toBe("port");
    expect(reasonFor("http://127.0.0.1:8788/", policy)).toBe("address");
  });

  test("passes when listed", () => {
    const listed = { ...policy, allowPrivateHosts: new Set(["127.0.0.1:8787"]) };
    expect(reasonFor("http://127.0.0.1:8787/", listed)).toBe("allowed");
  });
});

describe("URL guard: a tenant's lists", () => {
  test.each([
    ["https://evil.example.com/", "denied_host"],
    ["https://EVIL.example.com./", "denied_host"],
    ["http://evil.example.com:80/", "denied_host"],
    ["https://a.bad.example/", "denied_host"],
    ["https://a.b.bad.example/", "denied_host"],
    ["https://bad.example/", "allowed"],
    ["https://notbad.example/", "allowed"],
    ["https://notevil.example.com/", "allowed"],
  ])("deny list: %s is %s", (url, reason) => {
    expect(reasonFor(url, { ...strict, denyHosts: ["evil.example.com", "*.BAD.example"] })).toBe(reason);
  });

  test.each([
    ["https://api.example.com/", "allowed"],
    ["http://api.example.com/", "allowed"],
    ["https://a.trusted.example/", "allowed"],
    ["https://trusted.example/", "not_allowed_host"],
    ["https://api.example.com.evil.example/", "not_allowed_host"],
    ["https://evilapi.example.com/", "not_allowed_host"],
    ["https://secure.example/", "allowed"],
    ["http://secure.example/", "not_allowed_host"],
    ["http://127.0.0.1/", "address"],
  ])("allow list: %s is %s", (url, reason) => {
    const allowHosts = ["api.example.com", "*.trusted.example", "secure.example:443", "127.0.0.1"];
    expect(reasonFor(url, { ...strict, allowHosts })).toBe(reason);
  });

  test("the deny list wins over the allow list, and an empty allow list allows nothing", () => {
    const both = { ...strict, allowHosts: ["example.com"], denyHosts: ["example.com"] };
    expect(reasonFor("https://example.com/", both)).toBe("denied_host");
    expect(reasonFor("https://example.com/", { ...strict, allowHosts: [] })).toBe("not_allowed_host");
  });

  test("allowed ports add to 80 and 443", () => {
    const policy = { ...strict, allowedPorts: new Set([8443]) };
    expect(reasonFor("https://example.com:8443/", policy)).toBe("allowed");
    expect(reasonFor("https://example.com/", policy)).toBe("allowed");
    expect(reasonFor("https://example.com:8444/", policy)).toBe("port");
    expect(reasonFor("https://127.0.0.1:8443/", policy)).toBe("address");
  });
});

describe("URL guard: DNS answers", () => {
  test("every address must be public, and there must be one", () => {
    expect(judgeAddresses(["1.1.1.1", "2606:4700:4700::1111"])).toEqual({ allowed: true });
    for (const addresses of [[], ["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["1.1.1.1", "::1"], ["1.1.1.1", "nonsense"]]) {
      expect(judgeAddresses(addresses)).toMatchObject({ allowed: false, reason: "dns" });
    }
  });

  test("are needed for names, not for addresses or listed hosts", () => {
    const policy = { ...strict, allowPrivateHosts: new Set(["localhost:9000"]) };
    expect(needsResolution(new URL("https://example.com/"), policy)).toBe(true);
    expect(needsResolution(new URL("https://1.1.1.1/"), policy)).toBe(false);
    expect(needsResolution(new URL("https://[2606:4700::1]/"), policy)).toBe(false);
    expect(needsResolution(new URL("http://localhost:9000/"), policy)).toBe(false);
  });
});
