/** CPU profiles and heap snapshots of workerd through its inspector. */
import { setTimeout as sleep } from "node:timers/promises";

export interface CallFrame {
  functionName: string;
  url: string;
  lineNumber: number;
  columnNumber: number;
}

/** The profile of the DevTools protocol, as a `.cpuprofile` file holds it. Times are microseconds. */
export interface CpuProfile {
  nodes: { id: number; callFrame: CallFrame; children?: number[] }[];
  samples: number[];
  timeDeltas: number[];
  startTime: number;
  endTime: number;
}

/** How often workerd is looked at while it runs JavaScript of ours. */
export const SAMPLE_INTERVAL_US = 200;
const ANSWER_MS_MAX = 30_000;

export class Profiler {
  readonly #socket: WebSocket;
  #lastId = 0;
  /** Parts of the heap snapshot that is being taken. */
  readonly #snapshot: string[] = [];
  readonly #waiting = new Map<number, (answer: { result?: unknown; error?: { message: string } }) => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", (event) => {
      const answer = JSON.parse(String(event.data));
      if (answer.method === "HeapProfiler.addHeapSnapshotChunk") this.#snapshot.push(answer.params.chunk);
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** Attaches to the first Worker that the inspector on this port of the loopback lists. */
  static async attach(port: number): Promise<Profiler> {
    const listed = await fetch(`http://127.0.0.1:${port}/json`);
    const [worker] = (await listed.json()) as { webSocketDebuggerUrl: string }[];
    if (worker === undefined) throw new Error("the inspector lists no Worker");
    // With a user agent and no Origin it would take us for a browser on another site and refuse.
    const options = { headers: { origin: "http://localhost" } };
    const socket = new WebSocket(worker.webSocketDebuggerUrl, options as unknown as string[]);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve, { once: true });
      socket.addEventListener("error", () => reject(new Error("the inspector refused the connection")), { once: true });
    });
    const profiler = new Profiler(socket);
    await profiler.#ask("Profiler.enable");
    await profiler.#ask("Profiler.setSamplingInterval", { interval: SAMPLE_INTERVAL_US });
    return profiler;
  }

  async profile(run: () => Promise<void>): Promise<CpuProfile> {
    await this.#ask("Profiler.start");
    await run();
    const { profile } = (await this.#ask("Profiler.stop")) as { profile: CpuProfile };
    return profile;
  }

  /** The heap of the Worker's isolate, as a `.heapsnapshot` file holds it. */
  async heapSnapshot(): Promise<string> {
    await this.#ask("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
    return this.#snapshot.splice(0).join("");
  }

  close(): void {
    this.#socket.close();
  }

  async #ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const answered = new Promise<{ result?: unknown; error?: { message: string } }>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.#socket.send(JSON.stringify({ id, method, params }));
    const late = sleep(ANSWER_MS_MAX, { error: { message: "no answer" } }, { ref: false });
    const { result, error } = await Promise.race([
      answered,
      late as Promise<{ result?: unknown; error?: { message: string } }>,
    ]);
    if (error !== undefined) throw new Error(`inspector: ${method}: ${error.message}`);
    return result;
  }
}
