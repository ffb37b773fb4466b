/** What is said of a tag that was moved. */
import type { Tag } from "../client/weir.ts";
import { fields, type Output } from "./output.ts";

export function reportTag(tag: Tag, output: Output): void {
  const { paint } = output;
  output.answer(tag, {
    pretty: () => [
      `${paint("bold", tag.name)} is version ${tag.version}  ${paint("dim", tag.artifact_id.slice(0, 19))}`,
    ],
    compact: () => [fields(tag.name, tag.version, tag.artifact_id)],
  });
}
