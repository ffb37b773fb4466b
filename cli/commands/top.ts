/** `weir top`: what the tenant's runs do, drawn again every few seconds. */
import { Command } from "@commander-js/extra-typings";
import { isWeirError } from "../../client/weir.ts";
import { type Context, contextOf } from "../context.ts";
import { EXIT, Failure } from "../failure.ts";
import { openScreen } from "../live-screen.ts";
import { span } from "../options.ts";
import { observe, snapshotLooks } from "../snapshot.ts";

const INTERVAL_MS_DEFAULT = 2_000;
const INTERVAL_MS_MIN = 500;

export const top = new Command("top")
  .description("live: runs, rates, latency, queues; q or Ctrl+C ends")
  .option("--interval <time>", "draw again after so long", span, INTERVAL_MS_DEFAULT)
  .option("--window <time>", "what rates and latency are taken of", span, 300_000)
  .option("--once", "print it once; also done when the output is no terminal")
  .action(async (options, command) => {
    const context = contextOf(command);
    const { output } = context;
    if (options.once === true || !output.isTerminal || output.mode !== "pretty") {
      const snapshot = await observe(context, options.window);
      output.answer(snapshot, snapshotLooks(snapshot, context, output.rows));
      return;
    }
    await watch(context, options.window, Math.max(INTERVAL_MS_MIN, options.interval));
  });

async function watch(context: Context, windowMs: number, intervalMs: number): Promise<void> {
  const { output, signal } = context;
  const screen = openScreen(signal);
  try {
    while (!screen.closed.aborted) {
      try {
        const snapshot = await observe({ ...context, weir: context.weir, signal: screen.closed }, windowMs);
        screen.draw(snapshotLooks(snapshot, context, output.rows).pretty());
      } catch (error) {
        // A deployment in between, a laptop that slept: it is drawn again once there is an answer.
        if (!isWeirError(error) || error.code === "aborted" || error.code === "unauthenticated") throw error;
        screen.draw([output.paint("red", error.message), "", "tries again; q ends"]);
      }
      await screen.pause(intervalMs);
    }
  } catch (error) {
    if (!screen.closed.aborted) throw error;
  } finally {
    screen.close();
  }
  if (signal.aborted) throw new Failure(EXIT.interrupted, "interrupted");
}
