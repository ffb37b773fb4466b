/** `weir/client` inside a Worker: with the `fetch` of a binding instead of the network. */
import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { attempt, Weir } from "../../client/weir.ts";
import { inlineRun, KEY } from "./support.ts";

const weir = new Weir({
  url: "https://weir.test",
  key: KEY,
  fetch: (input, init) => exports.default.fetch(new Request(input as RequestInfo, init)),
});

test("starts a run, waits for it and follows its events", async () => {
  const types: string[] = [];
  const { run_id: id } = await weir.runs.start({ definition: inlineRun, inputs: { n: 1 } });
  const run = await weir.runs.wait(id, { onEvent: ({ type }) => types.push(type) });
  expect(run).toMatchObject({ status: "completed", outputs: { a: { n: 1 } } });
  expect(types.at(-1)).toBe("run.completed");
});

test("tells errors by their code", async () => {
  expect(await attempt(weir.workflows.get("nowhere"))).toMatchObject({
    ok: false,
    error: { code: "not_found", status: 404 },
  });
});
