/**
 * The operations guide is true: every command of the `sh` blocks of its pages is executed by a shell against a running Weir, in order,
 * and has to succeed and say something.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { follow } from "../support/follow.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const GUIDE = ["README.md", "traces-and-logs.md"]
  .map((page) => readFileSync(path.join(ROOT, "docs/operations", page), "utf8"))
  .join("\n");

let weir: WeirProcess;
let runId: string;
const api = follow(() => weir);

beforeAll(async () => {
  weir = await startWeir();
  const { tag, workflow } = JSON.parse(readFileSync(path.join(ROOT, "examples/order.json"), "utf8"));
  await api.post("/workflows", { tag, workflow });
  const flow = {
    nodes: [
      { id: "fetch", type: "transform", config: { expression: "inputs" } },
      { id: "think", type: "agent", config: { task: "Sum it up.", tools: [] } },
    ],
    edges: [{ from: "fetch", to: "think" }],
  };
  const run = await api.run(flow, { rows: [1, 2, 3] });
  expect(run.status).toBe("completed");
  runId = run.run_id;
  // The local runtime tells of its process every five seconds.
  while (!(await weir.api("GET", "/metrics")).body.includes("\nweir_process_threads")) await sleep(500);
}, 60_000);

afterAll(async () => {
  await weir.stop();
});

/** Commands of the `sh` blocks: a command goes on while a quote or a bracket is open. */
function commandsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) => {
    const commands: string[] = [];
    let open = "";
    for (const line of block.split("\n")) {
      open = open === "" ? line : `${open}\n${line}`;
      if ((open.match(/"/g)?.length ?? 0) % 2 !== 0) continue;
      if (open.trim() !== "" && !open.startsWith("#")) commands.push(open);
      open = "";
    }
    return commands;
  });
}

/** What sets up the shell rather than asking something. */
const isSetup = (command: string) => /^(export |call\(\)|\w+=)/.test(command);

const commands = commandsOf(GUIDE);
const setup = commands.filter(isSetup);
const questions = commands.filter((command) => !isSetup(command));

describe("the operations guide", () => {
  test("has a command for each part of the original", () => {
    expect(questions.length).toBeGreaterThan(35);
    for (const part of ["health", "/metrics", "logs", "admin/database", "slow-queries", "sql", "trace", "restart"]) {
      expect([part, questions.some((command) => command.includes(part))]).toEqual([part, true]);
    }
  });

  test.each(questions)("%s", { timeout: 20_000 }, (command) => {
    const { status, stdout, stderr } = spawnSync(
      "bash",
      ["--norc", "-euo", "pipefail", "-c", [...setup, command].join("\n")],
      {
        cwd: ROOT,
        encoding: "utf8",
        // Beside a socket for standard input a shell takes itself for a remote one.
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, WEIR_URL: weir.url, WEIR_KEY: weir.key, RUN: runId, NO_COLOR: "1" },
      },
    );
    const isEmptyAnswer = /logs|--filter/.test(command);
    expect({ status, stderr, isSilent: stdout.trim() === "" && !isEmptyAnswer }).toEqual({
      status: 0,
      stderr: "",
      isSilent: false,
    });
  });
});
