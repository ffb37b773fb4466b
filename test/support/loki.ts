/** A Loki that takes nothing but what its push API documents, with the labels that Weir promises and no other. */
import { createServer } from "node:http";
import { z } from "zod";
import { closeServer, listenOnLoopback } from "./loopback.ts";

const LABELS = ["env", "level", "service"];

const push = z.strictObject({
  streams: z
    .array(
      z.strictObject({
        stream: z
          .record(z.string(), z.string().min(1))
          .refine((labels) => Object.keys(labels).sort().join() === LABELS.join(), "labels are env, level, service"),
        values: z.array(z.tuple([z.string().regex(/^1[5-9]\d{17}$|^[2-4]\d{18}$/), z.string().min(1)])).min(1),
      }),
    )
    .min(1),
});

export interface LokiLine {
  labels: Record<string, string>;
  atNs: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read the record and assert on it
  record: any;
}

export interface FakeLoki {
  /** With a user and a password in it. */
  readonly url: string;
  readonly lines: LokiLine[];
  readonly problems: string[];
  readonly requests: { status: number }[];
  /** Status of the next answers; null: it takes what is right. */
  failure: number | null;
  close(): Promise<void>;
}

export async function startLoki(): Promise<FakeLoki> {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    const problem = problemOf(request.method, request.url, request.headers, text);
    const status = problem !== null ? 400 : (loki.failure ?? 204);
    if (problem !== null) loki.problems.push(problem);
    loki.requests.push({ status });
    if (status === 204) {
      for (const { stream, values } of push.parse(JSON.parse(text)).streams) {
        for (const [atNs, line] of values) loki.lines.push({ labels: stream, atNs, record: JSON.parse(line) });
      }
    }
    response.writeHead(status).end();
  });
  const port = await listenOnLoopback(server);
  const loki: FakeLoki = {
    url: `http://weir:p%40ss@127.0.0.1:${port}`,
    lines: [],
    problems: [],
    requests: [],
    failure: null,
    close: () => closeServer(server),
  };
  return loki;
}

function problemOf(method = "", url = "", headers: NodeJS.Dict<string | string[]>, text: string): string | null {
  if (method !== "POST" || url !== "/loki/api/v1/push") return `${method} ${url}`;
  if (headers["content-type"] !== "application/json") return `type ${headers["content-type"]}`;
  if (headers.authorization !== `Basic ${btoa("weir:p@ss")}`) return `authorization ${headers.authorization}`;
  const parsed = push.safeParse(JSON.parse(text));
  return parsed.success ? null : z.prettifyError(parsed.error);
}
