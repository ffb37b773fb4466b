/** The terminal as a page that is drawn again and again, and given back as it was. */
import readline from "node:readline";

/** A page of its own, no cursor, and long lines are cut at the edge instead of going on below. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

export interface Screen {
  /** Ends with q, Ctrl+C or the signal that the screen was opened with. */
  closed: AbortSignal;
  draw(lines: readonly string[]): void;
  /** Resolves after `ms`, or once the screen is closed. */
  pause(ms: number): Promise<void>;
  close(): void;
}

export function openScreen(signal: AbortSignal): Screen {
  const { stdin, stdout } = process;
  const controller = new AbortController();
  const end = () => controller.abort();
  signal.addEventListener("abort", end, { once: true });
  const onKey = (_: string, key: { name?: string; ctrl?: boolean }) => {
    if (key.name === "q") end();
    // The terminal hands over keys as they are: what it would have made of this one is made here.
    if (key.ctrl === true && key.name === "c") process.kill(process.pid, "SIGINT");
  };
  let last: readonly string[] = [];
  const draw = (lines: readonly string[]) => {
    last = lines;
    const shown = lines.slice(0, (stdout.rows ?? 24) - 1);
    // Each line over the one before: a page that was cleared first would flicker.
    stdout.write(`${HOME}${shown.map((line) => `${line}${CLEAR_LINE}`).join("\n")}\n${CLEAR_BELOW}`);
  };
  const redraw = () => draw(last);
  if (stdin.isTTY) {
    readline.emitKeypressEvents(stdin);
    stdin.setRawMode(true);
    stdin.resume();
    stdin.on("keypress", onKey);
  }
  stdout.on("resize", redraw);
  stdout.write(ENTER);
  return {
    closed: controller.signal,
    draw,
    pause: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        controller.signal.addEventListener("abort", () => resolve(clearTimeout(timer)), { once: true });
      }),
    close() {
      end();
      stdout.off("resize", redraw);
      if (stdin.isTTY) {
        stdin.off("keypress", onKey);
        stdin.setRawMode(false);
        stdin.pause();
      }
      stdout.write(LEAVE);
    },
  };
}
