/** Debian's Prometheus and promtool, where they are installed: a server that scrapes a Weir, and the judge of its text. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./loopback.ts";
import type { WeirProcess } from "./weir-process.ts";

/** False, and said loudly, where it is not installed. */
export function hasPrometheus(): boolean {
  const isThere = ["prometheus", "promtool"].every((name) => spawnSync(name, ["--version"]).status === 0);
  // biome-ignore lint/suspicious/noConsole: a check that is left out must be seen
  if (!isThere) console.warn("SKIPPED: tests with Prometheus. apt-get install prometheus installs it.");
  return isThere;
}

/** What promtool has against a text; empty when nothing. */
export function checkMetrics(text: string): string {
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  return status === 0 ? "" : `${stdout}${stderr}` || `promtool ended with ${status}`;
}

export interface PrometheusProcess {
  /** Samples of an instant query: labels and value. */
  query(expression: string): Promise<{ labels: Record<string, string>; value: number }[]>;
  /** The newest exemplars of a metric. */
  exemplars(selector: string): Promise<Record<string, string>[]>;
  /** Resolves once so many scrapes have succeeded. */
  scraped(times: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startPrometheus(weir: WeirProcess): Promise<PrometheusProcess> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "weir-prometheus-"));
  const port = await freePort();
  const target = new URL(weir.url).host;
  const config = {
    global: { scrape_interval: "1s" },
    scrape_configs: [
      { job_name: "weir", authorization: { credentials: weir.key }, static_configs: [{ targets: [target] }] },
    ],
  };
  // YAML reads JSON.
  writeFileSync(path.join(folder, "prometheus.yml"), JSON.stringify(config));
  const child = spawn(
    "prometheus",
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--enable-feature=exemplar-storage",
      "--log.level=error",
    ],
    { stdio: "ignore" },
  );
  const ask = async (route: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${route}`);
    const { status, data, error } = (await response.json()) as { status: string; data: unknown; error?: string };
    if (status !== "success") throw new Error(`${route}: ${error}`);
    return data;
  };
  const query: PrometheusProcess["query"] = async (expression) => {
    const { result } = (await ask(`query?query=${encodeURIComponent(expression)}`)) as {
      result: { metric: Record<string, string>; value: [number, string] }[];
    };
    return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
  };
  await ready(child, port);
  return {
    query,
    async exemplars(selector) {
      const end = Date.now() / 1_000;
      const found = (await ask(
        `query_exemplars?query=${encodeURIComponent(selector)}&start=${end - 600}&end=${end}`,
      )) as { exemplars: { labels: Record<string, string> }[] }[];
      return found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels));
    },
    async scraped(times) {
      for (let tries = 0; tries < 300; tries++) {
        const [count] = await query("sum_over_time(up[10m])").catch(() => []);
        if ((count?.value ?? 0) >= times) return;
        await sleep(200);
      }
      throw new Error(`Prometheus did not scrape ${times} times`);
    },
    async stop() {
      if (child.exitCode === null) {
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ready(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 150; tries++) {
    if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}`);
    const response = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => null);
    if (response?.ok === true) return;
    await sleep(100);
  }
  throw new Error("prometheus is not ready");
}
