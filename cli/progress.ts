/** How a run goes, drawn again and again in place while somebody waits for it. For terminals alone. */
import { createLogUpdate } from "log-update";
import { duration } from "#kernel/duration.ts";
import type { Run, RunEvent } from "../client/weir.ts";
import type { Output } from "./output.ts";
import { truncate } from "./table.ts";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 80;
const BAR_WIDTH = 24;
const NODES_SHOWN_MAX = 6;
const ENDED = new Set(["node.completed", "node.failed", "node.skipped", "node.cancelled"]);

export interface Progress {
  event(event: RunEvent): void;
  /** Takes the drawing away. */
  stop(): void;
}

/** Draws on standard error when that is a terminal and people read; otherwise does nothing. */
export function showProgress(run: Run | null, title: string, output: Output): Progress {
  const stream = process.stderr;
  if (output.mode !== "pretty" || stream.isTTY !== true) return { event() {}, stop() {} };
  const drawing = new RunDrawing(run, title, output);
  const update = createLogUpdate(stream);
  let frame = 0;
  const draw = () => update(drawing.lines(FRAMES[frame++ % FRAMES.length] ?? "", stream.columns ?? 80).join("\n"));
  draw();
  const timer = setInterval(draw, FRAME_MS);
  return {
    event: (event) => drawing.take(event),
    stop() {
      clearInterval(timer);
      update.clear();
      update.done();
    },
  };
}

class RunDrawing {
  readonly #title: string;
  readonly #output: Output;
  readonly #total: number;
  readonly #ended = new Set<string>();
  /** What each node that has begun does, and since when. */
  readonly #active = new Map<string, { doing: string; since: number }>();
  readonly #since: number;

  constructor(run: Run | null, title: string, output: Output) {
    this.#title = title;
    this.#output = output;
    this.#total = Object.values(run?.node_counts ?? {}).reduce((sum, each) => sum + each, 0);
    this.#since = run === null ? Date.now() : Date.parse(run.submitted_at);
  }

  take(event: RunEvent): void {
    if (event.node === undefined) return;
    const since = Date.parse(event.at);
    if (ENDED.has(event.type)) {
      this.#active.delete(event.node);
      this.#ended.add(event.node);
    } else if (event.type === "node.queued") this.#active.set(event.node, { doing: "queued", since });
    else if (event.type === "node.started") this.#active.set(event.node, { doing: "running", since });
    else if (event.type === "node.retrying") this.#active.set(event.node, { doing: "waits to try again", since });
    else if (event.type === "node.waiting") {
      const { kind } = (event.wait ?? {}) as { kind?: string };
      this.#active.set(event.node, { doing: kind === undefined ? "waits" : `waits (${kind})`, since });
    }
    // A loop's next pass, a replay: it is not ended any more.
    if (this.#active.has(event.node)) this.#ended.delete(event.node);
  }

  lines(frame: string, width: number): string[] {
    const { paint } = this.#output;
    const done = Math.min(this.#ended.size, this.#total);
    const filled = this.#total === 0 ? 0 : Math.round((done / this.#total) * BAR_WIDTH);
    const bar = paint("green", "█".repeat(filled)) + paint("dim", "░".repeat(BAR_WIDTH - filled));
    const counts = this.#total === 0 ? "" : `${done}/${this.#total} nodes  `;
    const title = truncate(this.#title, Math.max(10, width - BAR_WIDTH - 34));
    const head = `${paint("cyan", frame)} ${title}  ${bar}  ${counts}${duration(Date.now() - this.#since)}`;
    const active = [...this.#active].slice(0, NODES_SHOWN_MAX).map(([node, { doing, since }]) => {
      const rest = `${doing} ${duration(Math.max(0, Date.now() - since))}`;
      return `  ${paint("bold", truncate(node, Math.max(8, width - rest.length - 6)))}  ${paint("dim", rest)}`;
    });
    const more = this.#active.size - active.length;
    return [head, ...active, ...(more > 0 ? [paint("dim", `  and ${more} more`)] : [])];
  }
}
