/** Calls a Weir over connections that stay open; knows nothing of what it asks for. */
import { Agent, request } from "node:http";

/** Longer than any `wait_ms`: a call that takes this long is lost. */
const CALL_TIMEOUT_MS = 45_000;

export interface Answer {
  status: number;
  text: string;
}

export class HttpClient {
  readonly #agent: Agent;
  readonly #origin: URL;
  readonly #authorization: string;

  constructor(origin: string, key: string, connections: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: "fifo" });
    this.#origin = new URL(origin);
    this.#authorization = `Bearer ${key}`;
  }

  /** Rejects when there is no answer; any status is one. */
  call(method: "GET" | "POST", path: string, body?: object): Promise<Answer> {
    const text = body === undefined ? "" : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const call = request({
        agent: this.#agent,
        host: this.#origin.hostname,
        port: this.#origin.port,
        method,
        path,
        timeout: CALL_TIMEOUT_MS,
        headers: {
          authorization: this.#authorization,
          ...(body === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
        },
      });
      call.once("response", (response) => {
        let answer = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          answer += chunk;
        });
        response.once("end", () => resolve({ status: response.statusCode ?? 0, text: answer }));
        response.once("error", reject);
      });
      call.once("timeout", () => call.destroy(new Error(`no answer from ${path} within ${CALL_TIMEOUT_MS} ms`)));
      call.once("error", reject);
      call.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
