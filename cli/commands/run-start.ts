/** `weir run start`: starts a run of a tag, an artifact or a file. */
import { Command } from "@commander-js/extra-typings";
import type { RunOrder } from "../../client/weir.ts";
import { contextOf } from "../context.ts";
import { isFileName, readObjectOption } from "../documents.ts";
import { label, span, whole } from "../options.ts";
import { acceptedLooks, exitCodeOf, runLooks } from "../run-report.ts";
import { waitFor } from "../waiting.ts";
import { readWorkflowFile } from "../workflow-file.ts";

export const runStart = new Command("start")
  .description("start a run and return at once with its id")
  .argument("<tag|file>", "a workflow's tag, an artifact id, or a JSON file with a definition (- for standard input)")
  .option("-i, --inputs <file|json>", "what the run is given")
  .option("-l, --label <key=value>", "a label to find the run by; may be repeated", label)
  .option("--priority <1-5>", "1 is the most urgent", whole(1, 5))
  .option("--idempotency-key <key>", "the same key and order are the same run for 24 hours")
  .option("-w, --wait", "show how it goes until it has ended")
  .option("-f, --follow", "print its log until it has ended")
  .option("--timeout <time>", "wait at most so long; the run goes on", span)
  .action(async (target, options, command) => {
    const order: RunOrder = {
      ...(isFileName(target) ? { definition: readWorkflowFile(target).definition } : { workflow: target }),
      ...(options.inputs === undefined ? {} : { inputs: readObjectOption(options.inputs, "--inputs") as never }),
      ...(options.label === undefined ? {} : { labels: options.label }),
      ...(options.priority === undefined ? {} : { priority: options.priority }),
    };
    const context = contextOf(command);
    const { weir, output, signal } = context;
    const { idempotencyKey } = options;
    const started = await weir.runs.start(order, {
      signal,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
    const follow = options.follow === true;
    if (options.wait !== true && !follow) {
      output.answer(started, acceptedLooks(started, output));
      return;
    }
    output.note(`started ${started.run_id}`);
    const run = await waitFor(started.run_id, context, { follow, giveUpAfterMs: options.timeout });
    if (!follow || output.mode === "pretty") output.answer(run, runLooks(run, output));
    process.exitCode = exitCodeOf(run.status);
  });
