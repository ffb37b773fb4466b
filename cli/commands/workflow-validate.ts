/** `weir workflow validate`: everything that is wrong with a definition; works without a Weir too. */
import { Command } from "@commander-js/extra-typings";
import { isWeirError, type Validation } from "../../client/weir.ts";
import { type Context, contextOf } from "../context.ts";
import { EXIT } from "../failure.ts";
import { checkOffline } from "../offline-check.ts";
import { fields, type Output } from "../output.ts";
import { count } from "../wording.ts";
import { readWorkflowFile } from "../workflow-file.ts";

export const workflowValidate = new Command("validate")
  .description("everything that is wrong with a definition, and what it amounts to; exit code 1 when it is invalid")
  .argument("<file>", "JSON file, - for standard input")
  .option("--offline", "check on this machine; also done when Weir cannot be reached")
  .action(async (file, options, command) => {
    const context = contextOf(command);
    const { definition } = readWorkflowFile(file);
    const verdict = options.offline === true ? checkOffline(definition) : await check(definition, context);
    context.output.answer(verdict, {
      pretty: () => describe(verdict, file, context.output),
      compact: () => [
        ...verdict.errors.map(({ pointer, message }) => fields("error", pointer, message)),
        ...verdict.warnings.map(({ pointer, message }) => fields("warning", pointer, message)),
      ],
    });
    if (!verdict.valid) process.exitCode = EXIT.failed;
  });

async function check(definition: unknown, context: Context): Promise<Validation> {
  const { output, signal } = context;
  if (context.connection.key === null) {
    output.note("no key is known: checked on this machine");
    return checkOffline(definition);
  }
  try {
    return await context.weir.workflows.validate(definition, { signal });
  } catch (error) {
    if (!isWeirError(error, "unreachable") && !isWeirError(error, "timeout")) throw error;
    output.note(`${error.message}: checked on this machine`);
    return checkOffline(definition);
  }
}

function describe({ valid, errors, warnings, summary }: Validation, file: string, { paint }: Output): string[] {
  const problems = [
    ...errors.map((problem) => ({ ...problem, kind: paint("red", "error  ") })),
    ...warnings.map((problem) => ({ ...problem, kind: paint("yellow", "warning") })),
  ].map(({ kind, pointer, message }) => `  ${kind}  ${paint("bold", pointer === "" ? "/" : pointer)}  ${message}`);
  const verdict = valid ? paint("green", "valid") : paint("red", `invalid, ${count(errors.length, "error")}`);
  if (summary === null) return [`${file}: ${verdict}`, ...problems];
  const facts = [
    `${count(summary.nodes, "node")}, ${count(summary.edges, "edge")}, ${count(summary.agents, "agent")} (${summary.tier})`,
    `begins at ${summary.entry.join(", ")}, ends at ${summary.terminal.join(", ")}`,
    `longest path ${summary.critical_path.join(" → ")}`,
  ];
  return [`${file}: ${verdict}`, ...problems, ...facts.map((fact) => `  ${paint("dim", fact)}`)];
}
