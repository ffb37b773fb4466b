/**
 * The workflows of `examples/`: saves them through the public API, runs one, and prints its timeline and how to go on
 * from there. A failure here is told and changes nothing for those who already use the API.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { describeAnswer } from "./api-client.mjs";
import { print } from "./output.mjs";
import { duration, renderTimeline } from "./timeline.mjs";

/**
 * @typedef {import("./api-client.mjs").ApiClient} ApiClient
 * @typedef {import("./output.mjs").Paint} Paint
 *
 * @typedef {object} Example
 * @property {string} tag
 * @property {string} description
 * @property {Record<string, any>} workflow
 * @property {Record<string, any>} example_inputs
 */

/** The example that is run at each start. */
const FEATURED = "flight-delays";
const RUN_WAIT_MS = 30_000;
const POLL_MS = 250;
const OUTPUT_LINES_MAX = 24;

/** @param {string} folder @param {string} dataUrl Where the data server listens. @returns {Promise<Example[]>} */
export async function readExamples(folder, dataUrl) {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  return Promise.all(
    names.map(async (name) => {
      const example = /** @type {Example} */ (JSON.parse(await readFile(path.join(folder, name), "utf8")));
      if ("data_url" in example.example_inputs) example.example_inputs.data_url = dataUrl;
      return example;
    }),
  );
}

/**
 * Saves the examples, runs the featured one and prints it.
 * @param {ApiClient} api
 * @param {readonly Example[]} examples
 * @param {{ paint: Paint, keyToPrint: string }} presentation
 */
export async function presentExamples(api, examples, { paint, keyToPrint }) {
  for (const example of examples) await saveExample(api, example);
  const featured = examples.find(({ tag }) => tag === FEATURED) ?? examples[0];
  if (featured === undefined) return;
  const run = await runExample(api, featured);
  const details = await api.call("GET", `/api/v1/runs/${run.run_id}/details`);
  if (details.status !== 200) throw new Error(`the details of its run: ${describeAnswer(details)}`);

  print();
  print(`${paint("bold", featured.tag)}  ${featured.description}`);
  print(`run ${run.run_id} ${run.status} in ${duration(run.duration_ms ?? 0)}`);
  print();
  for (const line of renderTimeline(details.body, paint)) print(line);
  print();
  for (const line of outputLines(run.outputs ?? run.error ?? {})) print(line);
  print();
  for (const line of nextSteps(api.origin, keyToPrint, featured, paint)) print(line);
}

/**
 * Saves an example under its tag; one that is there already is replaced only when its definition changed.
 * @param {ApiClient} api
 * @param {Example} example
 */
async function saveExample(api, { tag, workflow, description }) {
  const created = await api.call("POST", "/api/v1/workflows", { tag, workflow, description });
  if (created.status === 201) return;
  if (created.status !== 409) throw new Error(`saving ${tag}: ${describeAnswer(created)}`);
  const stored = await api.call("GET", `/api/v1/workflows/${tag}`);
  if (stored.status !== 200) throw new Error(`reading ${tag}: ${describeAnswer(stored)}`);
  if (isDeepStrictEqual(stored.body.workflow, workflow)) return;
  const replaced = await api.call(
    "POST",
    "/api/v1/workflows",
    { tag, workflow, description, replace: true },
    { "if-match": stored.headers.get("etag") ?? "*" },
  );
  if (replaced.status >= 300) throw new Error(`replacing ${tag}: ${describeAnswer(replaced)}`);
}

/** Runs it to its end. @param {ApiClient} api @param {Example} example */
async function runExample(api, { tag, example_inputs: inputs }) {
  const started = await api.call("POST", "/api/v1/runs", { workflow: tag, inputs, wait_ms: RUN_WAIT_MS });
  if (started.status !== 200 && started.status !== 202) throw new Error(`running ${tag}: ${describeAnswer(started)}`);
  let run = started.body;
  for (const until = Date.now() + RUN_WAIT_MS; !isTerminal(run.status) && Date.now() < until; ) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const read = await api.call("GET", `/api/v1/runs/${run.run_id}`);
    if (read.status === 200) run = read.body;
  }
  return run;
}

/** @param {string} status */
function isTerminal(status) {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** Outputs as indented JSON, cut where they grow long. @param {unknown} outputs */
export function outputLines(outputs) {
  const lines = JSON.stringify(outputs, null, 2).split("\n");
  if (lines.length <= OUTPUT_LINES_MAX) return lines;
  return [...lines.slice(0, OUTPUT_LINES_MAX), `… ${lines.length - OUTPUT_LINES_MAX} more lines`];
}

/**
 * Commands to copy: run it again, and post a workflow of one's own.
 * @param {string} origin
 * @param {string} key
 * @param {Example} example
 * @param {Paint} paint
 */
function nextSteps(origin, key, { tag, example_inputs: inputs }, paint) {
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: a template of Weir's, not of JavaScript
  const own = {
    tag: "my-first",
    workflow: {
      nodes: [
        {
          id: "greet",
          type: "function",
          config: { function_name: "identity", params: { greeting: "Hello ${$inputs.name}" } },
        },
      ],
      edges: [],
    },
  };
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: a template of Weir's, not of JavaScript
  const post = (/** @type {string} */ route, /** @type {unknown} */ body) => [
    `curl -s ${origin}${route} -H "authorization: Bearer ${key}" -H 'content-type: application/json' \\`,
    `  -d ${shellQuote(JSON.stringify(body))}`,
  ];
  return [
    paint("dim", "# run it again"),
    ...post("/api/v1/runs", { workflow: tag, inputs, wait_ms: RUN_WAIT_MS }),
    paint("dim", "# save a workflow of your own, and run it"),
    ...post("/api/v1/workflows", own),
    ...post("/api/v1/runs", { workflow: own.tag, inputs: { name: "Weir" }, wait_ms: RUN_WAIT_MS }),
  ];
}

/** @param {string} text */
function shellQuote(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
