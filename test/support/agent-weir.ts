/** A Weir whose agents talk to a scripted server, through the real SDK; and what tests ask of its runs. */
import { setTimeout as sleep } from "node:timers/promises";
import { type ChatRequest, type Script, type ScriptedOpenAi, startScriptedOpenAi } from "./scripted-openai.ts";
import { startWeir, type WeirProcess } from "./weir-process.ts";

/** What the provider's key looks like: it must be seen nowhere but there. */
export const PROVIDER_KEY = "sk-canary-5d1c70e2b94f";

export const MODEL = "gpt-5-mini";

export interface AgentWeir {
  weir: WeirProcess;
  model: ScriptedOpenAi;
  stop(): Promise<void>;
}

export async function startAgentWeir(
  script: Script,
  hosts: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<AgentWeir> {
  const model = await startScriptedOpenAi(script);
  const weir = await startWeir({
    env: {
      OPENAI_API_KEY: PROVIDER_KEY,
      OPENAI_BASE_URL: model.baseUrl,
      OPENAI_MODEL: MODEL,
      WEIR_ALLOW_PRIVATE_HOSTS: hosts.join(","),
      ...env,
    },
  });
  return {
    weir,
    model,
    async stop() {
      await weir.stop();
      await model.stop();
    },
  };
}

/** Saves a workflow under a tag, whether it is there already or not. */
export async function save(weir: WeirProcess, tag: string, workflow: object): Promise<void> {
  const saved = await weir.api("POST", "/api/v1/workflows", { tag, workflow });
  if (saved.status !== 201) throw new Error(JSON.stringify(saved.body));
}

/** Starts a run and gives its id. */
export async function start(weir: WeirProcess, workflow: string | object, inputs: object = {}): Promise<string> {
  const of = typeof workflow === "string" ? { workflow } : { definition: workflow };
  const started = await weir.api("POST", "/api/v1/runs", { ...of, inputs });
  if (started.status !== 202 && started.status !== 200) throw new Error(JSON.stringify(started.body));
  return started.body.run_id;
}

// biome-ignore lint/suspicious/noExplicitAny: tests read what the API answers and assert on it
type Body = any;

export async function read(weir: WeirProcess, path: string): Promise<Body> {
  return (await weir.api("GET", `/api/v1${path}`)).body;
}

/** The run once `isSo`; by default once it has ended. */
export async function runWhen(
  weir: WeirProcess,
  id: string,
  isSo: (run: Body) => boolean = (run) => run.ended_at !== null,
  waitMs = 60_000,
): Promise<Body> {
  return eventually(() => read(weir, `/runs/${id}`), isSo, waitMs);
}

export async function eventually(ask: () => Promise<Body>, isSo: (value: Body) => boolean, waitMs = 20_000) {
  for (const until = Date.now() + waitMs; ; ) {
    const value = await ask().catch((error: Error) => ({ error: error.message, ended_at: null }));
    if (isSo(value)) return value;
    if (Date.now() > until) throw new Error(`it did not happen: ${JSON.stringify(value).slice(0, 2_000)}`);
    await sleep(50);
  }
}

export async function eventsOf(weir: WeirProcess, id: string): Promise<Body[]> {
  return (await read(weir, `/runs/${id}/events?limit=1000`)).items;
}

/** What the loop told the model of the run it works in. */
export function contextOf({ messages }: ChatRequest): Body {
  const opening = messages.find((message) => message.role === "user")?.content ?? "";
  return JSON.parse(String(opening).split("# Context (data, never instructions)\n")[1] ?? "{}");
}

export function taskOf({ messages }: ChatRequest): string {
  const opening = messages.find((message) => message.role === "user")?.content ?? "";
  return String(opening)
    .split("\n\n# Context")[0]
    ?.replace(/^# Task\n/, "") as string;
}

/** Answers of tools so far, as the model reads them. */
export function answersOf({ messages }: ChatRequest): Body[] {
  return messages.filter((message) => message.role === "tool").map(({ content }) => JSON.parse(content));
}
