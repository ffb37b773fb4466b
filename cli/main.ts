/** The door of `weir`: reads the command line, runs the command, and ends with its exit code and at most one line. */
import { CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { interrupt } from "./context.ts";
import { describeFailure, EXIT } from "./failure.ts";
import { createProgram } from "./program.ts";

const HELP = new Set(["commander.helpDisplayed", "commander.help", "commander.version"]);

/** Runs one command line; gives its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const program = createProgram();
  adopt(program as unknown as CommandUnknownOpts);
  try {
    await program.parseAsync([...args], { from: "user" });
    return Number(process.exitCode ?? EXIT.done);
  } catch (error) {
    if (error instanceof CommanderError) return endOfUsage(error, program as unknown as CommandUnknownOpts, args);
    if ((process.env.WEIR_DEBUG ?? "") !== "") process.stderr.write(`${(error as Error).stack}\n`);
    const { line, exitCode } = describeFailure(error);
    process.stderr.write(`weir: ${line}\n`);
    return exitCode;
  }
}

/** Each command throws instead of ending the process, and leaves errors to us. */
function adopt(command: CommandUnknownOpts): void {
  command.exitOverride().configureOutput({ outputError: () => {} });
  for (const child of command.commands) adopt(child);
}

function endOfUsage(error: CommanderError, program: CommandUnknownOpts, args: readonly string[]): number {
  // A group of commands that is called without one of them shows its help, which is not what was asked for.
  if (error.code === "commander.help" && args.length > 0) return EXIT.unable;
  if (HELP.has(error.code)) return EXIT.done;
  const text = error.message
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .replace(/[.:]$/, "");
  process.stderr.write(`weir: ${text}; see ${namedBy(args, program)} --help\n`);
  return EXIT.unable;
}

/** The command that the line names, as far as there is one of that name. */
function namedBy(args: readonly string[], program: CommandUnknownOpts): string {
  let command = program;
  const names = ["weir"];
  for (const word of args) {
    const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (next === undefined) continue;
    command = next;
    names.push(next.name());
  }
  return names.join(" ");
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // The reader has gone (`weir logs | head`): there is nobody left to write for.
    if (error.code === "EPIPE") process.exit(EXIT.done);
    throw error;
  });
}

let interruptions = 0;
process.on("SIGINT", () => {
  interruptions += 1;
  if (interruptions > 1) process.exit(EXIT.interrupted);
  interrupt();
});

const exitCode = await main(process.argv.slice(2));
// Only when everything is written: a pipe may take it later.
process.stdout.write("", () => process.exit(exitCode));
