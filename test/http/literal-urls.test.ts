import { describe, expect, test } from "vitest";
import { refusedUrls, refusedUrlsOf } from "#http/literal-urls.ts";

const policy = { allowPrivateHosts: new Set<string>(), ownOrigins: new Set<string>() };
const inside = "http://169.254.169.254/";

describe("literal URLs", () => {
  test.each([
    ["a request", { type: "http", config: { url: inside } }, ["config", "url"]],
    ["an escalation", { type: "hitl", config: { message: "?", escalate_to: inside } }, ["config", "escalate_to"]],
    [
      "a request for each item",
      { type: "map", config: { items: [], node: { type: "http", config: { url: inside } } } },
      ["config", "node", "config", "url"],
    ],
  ])("of %s are judged where they stand", (_, node, path) => {
    expect(refusedUrls(node, policy)).toEqual([{ path, message: expect.stringContaining("will be refused") }]);
    expect(refusedUrlsOf([{}, node], policy)).toEqual([
      { pointer: ["", "nodes", "1", ...path].join("/"), message: expect.any(String) },
    ]);
  });

  test.each([
    ["one that is allowed", { type: "http", config: { url: "https://api.example.com/" } }],
    ["one that a template makes", { type: "http", config: { url: "http://${$inputs.host}/" } }],
    ["text of another node", { type: "transform", config: { url: inside } }],
    ["a config that is none", { type: "http", config: [inside] }],
    ["no text", { type: "http", config: { url: 7 } }],
  ])("%s is left alone", (_, node) => {
    expect(refusedUrls(node, policy)).toEqual([]);
  });
});
