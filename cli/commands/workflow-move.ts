/** `weir workflow move`: a tag points to a version of its history, or to an artifact. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { reportTag } from "../tag-report.ts";

export const workflowMove = new Command("move")
  .description("point a tag to a version of its history, or to an artifact id; new runs take that")
  .argument("<tag>")
  .argument("<to>", "a version number, or sha256:…")
  .option("--expected <where>", "only if the tag points there now: a version number, or sha256:…")
  .action(async (tag, to, { expected }, command) => {
    const { weir, output, signal } = contextOf(command);
    const when = expected === undefined ? {} : { expected: placeOf(expected) };
    reportTag(await weir.tags.move(tag, placeOf(to), { signal, ...when }), output);
  });

function placeOf(text: string): number | string {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : text;
}
