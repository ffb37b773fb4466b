/** Waits for a run's end and shows how it goes; says how to go on when somebody lets go of it. */
import { isWeirError, type Run, type RunEvent } from "../client/weir.ts";
import type { Context } from "./context.ts";
import { logLineOf, renderLogLine } from "./event-line.ts";
import { EXIT, Failure } from "./failure.ts";
import { showProgress } from "./progress.ts";

export interface WaitChoices {
  /** Print events as they come instead of drawing progress. */
  follow: boolean;
  giveUpAfterMs?: number | undefined;
}

/** The run once it has ended. */
export async function waitFor(id: string, context: Context, { follow, giveUpAfterMs }: WaitChoices): Promise<Run> {
  const { weir, output, signal } = context;
  const progress = follow ? followLines(context, id) : await drawn(context, id);
  try {
    return await weir.runs.wait(id, {
      signal,
      onEvent: progress.event,
      ...(giveUpAfterMs === undefined ? {} : { giveUpAfterMs }),
    });
  } catch (error) {
    progress.stop();
    const goesOn = `the run goes on: weir run wait ${id}`;
    if (isWeirError(error, "aborted")) {
      output.note(goesOn);
      throw new Failure(EXIT.interrupted, "interrupted");
    }
    if (isWeirError(error, "timeout") && giveUpAfterMs !== undefined) {
      throw new Failure(EXIT.failed, `it has not ended after ${giveUpAfterMs} ms; ${goesOn}`);
    }
    throw error;
  } finally {
    progress.stop();
  }
}

function followLines({ output }: Context, id: string) {
  return {
    event: (event: RunEvent) => {
      const line = logLineOf(id, event);
      if (line.level !== "debug") output.line(renderLogLine(line, output, false));
    },
    stop() {},
  };
}

async function drawn({ weir, output, signal }: Context, id: string) {
  const run = output.mode === "pretty" && process.stderr.isTTY === true ? await weir.runs.get(id, { signal }) : null;
  return showProgress(run, run?.workflow ?? id, output);
}
