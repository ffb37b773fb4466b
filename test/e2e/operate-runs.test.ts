/** docs/guide/operate-runs.md is true: its commands, one after another, are answered as it says. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { follow } from "../support/follow.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

interface Step {
  /** What is sent, as the page has it. */
  command: string;
  /** The paragraph after it. */
  promise: string;
}

/** Where a name that the page gives to a part of an answer is found in it. */
const NAMED: Record<string, string> = { RUN: "run_id", APPROVAL: "approval_id", URL: "url", JOB: "job_id" };

let weir: WeirProcess;

beforeAll(async () => {
  weir = await startWeir();
});

afterAll(async () => {
  await weir.stop();
});

async function readSteps(): Promise<Step[]> {
  const page = await readFile(new URL("../../docs/guide/operate-runs.md", import.meta.url), "utf8");
  const blocks = [...page.matchAll(/^```sh\n(.*?)\n^```$\n\n(.*?)\n\n/gms)];
  return blocks
    .map(([, command = "", promise = ""]) => ({ command, promise }))
    .filter(({ command }) => !command.includes("weir()"));
}

/** A call of curl, or of the page's own `weir`, which adds the key. */
async function call(command: string, names: ReadonlyMap<string, string>) {
  const filled = command.replaceAll(/\$([A-Z]+)\b/g, (whole, name) => names.get(name) ?? whole);
  const [program, ...words] = [...filled.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? "",
  );
  const headers = new Headers(program === "weir" ? { authorization: `Bearer ${weir.key}` } : {});
  let [method, url, body]: [string | undefined, string, string | undefined] = [undefined, "", undefined];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "-s") continue;
    if (word === "-X") method = words.shift();
    else if (word === "-d") body = words.shift();
    else if (word === "-H") {
      const [, name = "", value = ""] = /^([^:]+): (.*)$/.exec(words.shift() ?? "") ?? [];
      headers.set(name, value);
    } else url = word;
  }
  if (body !== undefined) headers.set("content-type", "application/json");
  const response = await fetch(url, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers,
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, text: await response.text() };
}

/** Once the list has the run. */
async function listed(list: string, runId: string | undefined): Promise<void> {
  const ids = async () => {
    const { body } = await weir.api("GET", `/api/v1${list}`);
    return body.items.map((item: { run_id: string }) => item.run_id);
  };
  await expect.poll(ids, { timeout: 10_000 }).toContain(runId);
}

test("every command is answered with the status that the page says, and the run goes the way it tells", async () => {
  const steps = await readSteps();
  expect(steps.length).toBeGreaterThan(18);
  const names = new Map([["W", `${weir.url}/api/v1`]]);
  const api = follow(() => weir);
  for (const { command, promise } of steps) {
    const [, status] = /^Answers `(\d{3})`/.exec(promise) ?? [];
    // A person is slower than lists are.
    if (command.includes("/approvals?")) await listed("/approvals?status=pending", names.get("RUN"));
    if (command.includes("/bulk")) await listed("/runs?status=waiting", names.get("RUN"));
    const answer = await call(command, names);
    expect([command, answer.status, answer.status < 400 ? "" : promise]).toEqual([
      command,
      Number(status),
      Number(status) < 400 ? "" : promise,
    ]);
    const [, name = ""] = /`\$([A-Z]+)`/.exec(promise) ?? [];
    if (name === "") continue;
    const [, value] = new RegExp(`"${NAMED[name]}":"([^"]+)"`).exec(answer.text) ?? [];
    if (value === undefined) throw new Error(`${command} gives no ${name}: ${answer.text}`);
    if (name === "RUN" && names.has("RUN")) {
      const first = await api.until(names.get("RUN") ?? "", (run) => run.status === "completed");
      expect(first).toMatchObject({ generation: 2, outputs: { settle: 40 } });
    }
    names.set(name, value);
  }
  const run = await api.end(names.get("RUN") ?? "");
  expect(run).toMatchObject({ status: "cancelled", patch_seq: 1, inputs: { parts: 2 } });
  const { body } = await api.get(`/runs/${run.run_id}/details`);
  expect(body.node_executions.note).toMatchObject({ status: "completed", output: "asked again" });
});
