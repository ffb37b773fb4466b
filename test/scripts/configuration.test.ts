import { describe, expect, test } from "vitest";
import { SHARDS_MAX } from "#kernel/ids.ts";
import {
  hostInUrl,
  isLoopback,
  reachableHost,
  readSettings,
  shipsLogs,
  workerVariables,
} from "../../scripts/local-runtime/configuration.mjs";

const read = (environment: Record<string, string>) => readSettings(environment, "/project");

describe("settings of a local start", () => {
  test("an empty environment gives the defaults of the contract", () => {
    expect(read({})).toEqual({
      port: 8787,
      host: "127.0.0.1",
      statePath: "/project/.weir",
      operatorKey: null,
      examples: true,
      allowedPrivateHosts: [],
      inspectorPort: null,
    });
  });

  test("an empty variable counts as unset", () => {
    expect(read({ PORT: "", WEIR_STATE: "", WEIR_OPERATOR_KEY: " " })).toEqual(read({}));
  });

  test("an absolute state folder is taken as it is", () => {
    expect(read({ WEIR_STATE: "/var/lib/weir" }).statePath).toBe("/var/lib/weir");
  });

  test("private hosts are a list of host:port, IPv6 in brackets", () => {
    const { allowedPrivateHosts } = read({ WEIR_ALLOW_PRIVATE_HOSTS: "127.0.0.1:9000, localhost:80,[::1]:443" });
    expect(allowedPrivateHosts).toEqual(["127.0.0.1:9000", "localhost:80", "[::1]:443"]);
  });

  test.each([
    [{}, false],
    [{ LOKI_URL: "http://loki:3100" }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318", OTEL_LOGS_EXPORTER: "none" }, false],
    [{ LOKI_URL: "http://loki:3100", OTEL_LOGS_EXPORTER: "none" }, true],
    [{ LOKI_URL: "http://loki:3100", WEIR_TELEMETRY: "off" }, false],
  ])("with %o logs are sent away: %s", (variables, ships) => {
    expect(shipsLogs(workerVariables(variables, {}))).toBe(ships);
  });

  test.each([
    [{ PORT: "abc" }, 'PORT must be a whole number from 0 to 65535, not "abc"'],
    [{ PORT: "65536" }, "PORT must be"],
    [{ PORT: "-1" }, "PORT must be"],
    [{ PORT: "80.5" }, "PORT must be"],
    [{ HOST: "not a host" }, "HOST must be"],
    [{ HOST: "0.0.0.0" }, "needs WEIR_OPERATOR_KEY"],
    [{ HOST: "::" }, "needs WEIR_OPERATOR_KEY"],
    [{ WEIR_OPERATOR_KEY: "two words of it" }, "WEIR_OPERATOR_KEY must be"],
    [{ WEIR_EXAMPLES: "yes" }, "WEIR_EXAMPLES must be 0 or 1"],
    [{ WEIR_LIMITS: "none" }, "WEIR_LIMITS must be on or off"],
    [{ WEIR_TELEMETRY: "0" }, "WEIR_TELEMETRY must be on or off"],
    [{ LOG_LEVEL: "loud" }, "LOG_LEVEL must be"],
    [{ WEIR_INSPECTOR_PORT: "0" }, "WEIR_INSPECTOR_PORT must be"],
    [{ COORDINATOR_SHARDS: "0" }, "COORDINATOR_SHARDS must be"],
    [{ COORDINATOR_SHARDS: "4097" }, "COORDINATOR_SHARDS must be"],
    [{ OPENAI_BASE_URL: "localhost:11434" }, "OPENAI_BASE_URL must be an http(s) URL"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" }, "OTEL_EXPORTER_OTLP_ENDPOINT must be an http(s) URL"],
    [{ OTEL_TRACES_SAMPLER_ARG: "1.1" }, 'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, not "1.1"'],
    [{ OTEL_TRACES_SAMPLER_ARG: "half" }, "OTEL_TRACES_SAMPLER_ARG must be"],
    [{ OTEL_LOGS_EXPORTER: "console" }, "OTEL_LOGS_EXPORTER must be otlp or none"],
    [{ LOKI_URL: "nowhere" }, "LOKI_URL must be an http(s) URL"],
    [{ WEIR_ALLOW_PRIVATE_HOSTS: "localhost" }, "must list host:port"],
    [{ WEIR_ALLOW_PRIVATE_HOSTS: "http://localhost:80" }, "must list host:port"],
    [{ WEIR_ALLOW_PRIVATE_HOSTS: "localhost:70000" }, "must list host:port"],
  ])("%o is refused", (environment, message) => {
    expect(() => read(environment as Record<string, string>)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringContaining(message) }),
    );
  });

  test("everything that is wrong stands in one line", () => {
    expect(() => read({ PORT: "abc", LOG_LEVEL: "loud" })).toThrow(/^PORT must .*; LOG_LEVEL must [^\n]*$/);
  });

  test("as many shards as the Worker takes, and no more", () => {
    expect(() => read({ COORDINATOR_SHARDS: String(SHARDS_MAX) })).not.toThrow();
    expect(() => read({ COORDINATOR_SHARDS: String(SHARDS_MAX + 1) })).toThrow("COORDINATOR_SHARDS must be");
  });

  test("a host that others reach is fine with a key", () => {
    expect(read({ HOST: "0.0.0.0", WEIR_OPERATOR_KEY: "weir_a-key-of-mine" }).host).toBe("0.0.0.0");
  });
});

describe("variables of the Worker", () => {
  const declared = { COORDINATOR_SHARDS: "32", RETENTION_DAYS: "30", LOG_LEVEL: "info" };

  test("are those of wrangler.toml with the local defaults over them", () => {
    expect(workerVariables({}, declared)).toEqual({
      COORDINATOR_SHARDS: "2",
      RETENTION_DAYS: "30",
      LOG_LEVEL: "info",
      WEIR_LIMITS: "on",
      WEIR_TELEMETRY: "on",
      WEIR_ANALYTICS: "local",
    });
  });

  test("take what the environment sets, and nothing else of it", () => {
    const variables = workerVariables(
      {
        RETENTION_DAYS: "7",
        OPENAI_API_KEY: "sk-1",
        WEIR_SECRET_TOKEN: "s",
        WEIR_VAR_CITY: "Ghent",
        WEIR_SECRET_: "nameless",
        OPENAI_MODEL: "",
        PATH: "/bin",
        AWS_SECRET_ACCESS_KEY: "not ours",
      },
      declared,
    );
    expect(variables).toMatchObject({
      RETENTION_DAYS: "7",
      OPENAI_API_KEY: "sk-1",
      WEIR_SECRET_TOKEN: "s",
      WEIR_VAR_CITY: "Ghent",
    });
    for (const name of ["PATH", "AWS_SECRET_ACCESS_KEY", "OPENAI_MODEL", "WEIR_SECRET_"]) {
      expect(variables).not.toHaveProperty(name);
    }
  });
});

describe("hosts", () => {
  test("only this machine reaches a loopback", () => {
    for (const host of ["127.0.0.1", "127.3.2.1", "::1", "[::1]", "localhost"]) expect(isLoopback(host)).toBe(true);
    for (const host of ["0.0.0.0", "::", "192.168.1.2", "127.example.org"]) expect(isLoopback(host)).toBe(false);
  });

  test("a wildcard is reached on the loopback, an IPv6 address stands in brackets", () => {
    expect(reachableHost("0.0.0.0")).toBe("127.0.0.1");
    expect(reachableHost("::")).toBe("[::1]");
    expect(reachableHost("192.168.1.2")).toBe("192.168.1.2");
    expect(hostInUrl("::1")).toBe("[::1]");
    expect(hostInUrl("[::1]")).toBe("[::1]");
  });
});
