import { describe, expect, test } from "vitest";
import { isAddress, judgeAddress } from "#http/address.ts";

/** First, middle or last addresses of every block that IANA's registries do not call globally reachable. */
const REFUSED = [
  ...["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "100.100.100.200"],
  ...["127.0.0.0", "127.0.0.1", "127.255.255.255", "168.63.129.16", "169.254.0.0", "169.254.169.254"],
  ...["169.254.170.2", "169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.9", "192.0.0.170"],
  ...["192.0.0.192", "192.0.0.255", "192.0.2.0", "192.0.2.255", "192.88.99.0", "192.88.99.2", "192.88.99.255"],
  ...["192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.0", "198.51.100.255"],
  ...["203.0.113.0", "203.0.113.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.254"],
  ...["255.255.255.255", "::", "::1", "::2", "::7f00:1", "::8.8.8.8", "::ffff:0:0", "::ffff:127.0.0.1"],
  ...["::ffff:8.8.8.8", "::ffff:0:7f00:1", "64:ff9b::", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1"],
  ...["64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::", "200::1", "400::1"],
  ...["2001::", "2001:0:7f00:1::", "2001::ffff", "2001:1::1", "2001:1::3", "2001:2::", "2001:2:0:ffff::", "2001:3::1"],
  ...["2001:4:112::1", "2001:10::", "2001:1f:ffff::", "2001:20::", "2001:30::", "2001:1ff:ffff::", "2001:db8::"],
  ...["2001:db8:ffff:ffff::", "2002::", "2002:7f00:1::", "2002:808:808::", "2002:ffff::", "3fff::", "3fff:fff:ffff::"],
  ...["4000::", "5f00::", "5f00:ffff::", "8000::1", "fbff::1", "fc00::", "fd00:ec2::254", "fdff:ffff::", "fe00::1"],
  ...["fe80::", "fe80::1", "febf:ffff::", "fec0::", "feff:ffff::", "ff00::", "ff02::1", "ffff:ffff:ffff:ffff::"],
];

/** Their neighbours on the outside, public services, and what the registries call globally reachable. */
const ALLOWED = [
  ...["1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"],
  ...["168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0"],
  ...["191.255.255.255", "192.0.1.0", "192.0.1.255", "192.0.3.0", "192.31.196.1", "192.52.193.1", "192.88.98.255"],
  ...["192.88.100.0", "192.167.255.255", "192.169.0.0", "192.175.48.1", "198.17.255.255", "198.20.0.0"],
  ...["198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "8.8.8.8", "1.1.1.1"],
  ...[
    "2000::",
    "2001:200::",
    "2001:db7:ffff::",
    "2001:db9::",
    "2001:4860:4860::8888",
    "2003::",
    "2606:4700:4700::1111",
  ],
  ...["2620:4f:8000::1", "3ffe:ffff::", "3fff:1000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
];

describe("address", () => {
  test.each(REFUSED)("refuses %s", (address) => {
    expect(isAddress(address)).toBe(true);
    expect(judgeAddress(address)).toMatchObject({ allowed: false, message: expect.stringContaining("not a public") });
  });

  test.each(ALLOWED)("allows %s", (address) => {
    expect(judgeAddress(address)).toEqual({ allowed: true });
  });

  test.each([
    ...["", "localhost", "example.com", "8.8.8", "8.8.8.8.", "08.8.8.8", "0x8.8.8.8", "134744072", "8.8.8.256"],
    ...["[2606:4700::1]", "2606:4700::1%eth0", "2606:4700::1%", "2606:4700:::1", "8.8.8.8/32", " 8.8.8.8"],
  ])("does not read %j as an address", (text) => {
    expect(isAddress(text)).toBe(false);
    expect(judgeAddress(text)).toEqual({ allowed: false, message: `${text} is not an IP address` });
  });

  test("names the kind of a refused address", () => {
    expect(judgeAddress("169.254.169.254")).toMatchObject({ message: expect.stringContaining("cloud metadata") });
    expect(judgeAddress("::ffff:8.8.8.8")).toMatchObject({ message: expect.stringContaining("IPv4-mapped") });
  });
});
