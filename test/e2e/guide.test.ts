/**
 * The commands that documents show are true: each goes to a route that is there with a body that it takes. Where one
 * names a run, an approval or a job, none is there, and that has to be all that is wrong.
 */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

const ROOT = new URL("../../", import.meta.url);
const ABSENT_RUN = "run_xx00001HF0000000000000000000000";
const ABSENT: Record<string, string> = {
  RUN: ABSENT_RUN,
  APPROVAL: `${ABSENT_RUN.replace("run_", "apr_")}-1-ask`,
  JOB: "job_01HF0000000000000000000000",
  EVENT: "delivered",
  NODE: "total",
  SEQ: "1",
};

let weir: WeirProcess;

beforeAll(async () => {
  weir = await startWeir();
  for (const name of ["order", "payment-approval"]) {
    const { tag, workflow } = JSON.parse(await readFile(new URL(`examples/${name}.json`, ROOT), "utf8"));
    expect((await weir.api("POST", "/api/v1/workflows", { tag, workflow })).status).toBe(201);
  }
});

afterAll(async () => {
  await weir.stop();
});

interface Command {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

const CALL = /^call (?:-X (\w+) )?"\$WEIR_URL([^"]+)"((?:[\s\\]*-H '[^']*')*)(?:[\s\\]*-d '([^']*)')?$/gm;

function commandsOf(markdown: string): Command[] {
  return [...markdown.matchAll(CALL)].map(([, method, path = "", headers = "", body]) => ({
    method: method ?? (body === undefined ? "GET" : "POST"),
    path: path.replace(/\$([A-Z]+)/g, (_, name: string) => ABSENT[name] ?? `no value for ${name}`),
    headers: Object.fromEntries([...headers.matchAll(/'([^:]+): ([^']*)'/g)].map(([, name, value]) => [name, value])),
    body,
  }));
}

describe.each(["docs/guide/operate-runs.md", "examples/README.md"])("%s", (document) => {
  test("every command is understood", async () => {
    const markdown = await readFile(new URL(document, ROOT), "utf8");
    const commands = commandsOf(markdown);
    // None is written in a way that this test does not read.
    expect(commands).toHaveLength([...markdown.matchAll(/^call /gm)].length);
    expect(commands.length).toBeGreaterThan(4);
    for (const { method, path, headers, body } of commands) {
      const { status, body: answer } = await weir.api(method, path, body, headers);
      const said = answer.error?.message ?? "";
      const isUnderstood = status < 300 || (status === 404 && /^there is no (run|approval|job) "/.test(said));
      expect({ method, path, body, status, said, isUnderstood }).toMatchObject({ isUnderstood: true });
    }
  });
});
