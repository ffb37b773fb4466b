/**
 * How long the local twin of Analytics Engine takes for the queries of the dashboard's panels: `node bench/analytics.ts
 * [points]`. Every query is warmed up once and then asked several times, for all tenants and for one.
 */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { buildWorker } from "../scripts/local-runtime/build.mjs";
import { PANELS } from "../src/telemetry/analytics/panels.ts";
import { parseWindow } from "../src/telemetry/analytics/time-window.ts";

const POINTS = Number(process.argv[2] ?? 1_000_000);
const SLICE = 10_000;
const REPETITIONS = 5;
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

const folder = await mkdtemp(path.join(os.tmpdir(), "weir-analytics-"));
const modules = await buildWorker(ROOT, "bench/analytics-worker.ts");
const { workers } = convertV4MiniflareOptions({
  workers: [
    {
      name: "bench",
      compatibilityDate: "2026-10-20",
      modules: modules.map(({ path: modulePath, contents }) => ({
        type: "ESModule" as const,
        path: modulePath,
        contents: contents as string,
      })),
      modulesRoot: ".",
      bindings: { WEIR_ANALYTICS: "local" },
      durableObjects: { ANALYTICS: { className: "AnalyticsStore", useSQLite: true } },
    },
  ],
});
const runtime = new Miniflare({ workers, resourcePersistencePath: folder, logRequests: false } as never);
const base = await runtime.ready;

try {
  const begun = performance.now();
  for (let from = 0; from < POINTS; from += SLICE) {
    const count = Math.min(SLICE, POINTS - from);
    const answer = await fetch(new URL(`/fill?from=${from}&count=${count}`, base), { method: "POST" });
    if (!answer.ok) throw new Error(await answer.text());
  }
  const stats = await (await fetch(new URL("/fill?from=0&count=0", base), { method: "POST" })).json();
  say(`${POINTS} points written in ${Math.round(performance.now() - begun)} ms; ${JSON.stringify(stats)}`);

  const window = parseWindow("1h");
  if (window === null) throw new Error("1h is a window");
  say("query                              all: median   max     one tenant: median   max");
  for (const panel of PANELS) {
    for (const query of panel.queries) {
      const sql = query.sql(window);
      const all = await measure(sql, "");
      const one = await measure(sql, "?tenant=acme");
      say(`${`${panel.name}.${query.name}`.padEnd(34)} ${cells(all)}        ${cells(one)}`);
    }
  }
} finally {
  await runtime.dispose();
  await rm(folder, { recursive: true, force: true });
}

async function measure(sql: string, tenant: string): Promise<number[]> {
  const times: number[] = [];
  for (let repetition = 0; repetition <= REPETITIONS; repetition++) {
    const begun = performance.now();
    const reply = (await (await fetch(new URL(`/query${tenant}`, base), { method: "POST", body: sql })).json()) as {
      ok: boolean;
    };
    if (!reply.ok) throw new Error(`${sql}: ${JSON.stringify(reply)}`);
    if (repetition > 0) times.push(performance.now() - begun);
  }
  return times.sort((left, right) => left - right);
}

function cells(times: readonly number[]): string {
  const [median, max] = [times[times.length >> 1], times.at(-1)];
  return `${Math.round(median ?? 0)} ms`.padStart(11) + `${Math.round(max ?? 0)} ms`.padStart(9);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
