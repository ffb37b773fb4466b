/** `weir artifact get`: a definition by its artifact id. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";

export const artifactGet = new Command("get")
  .description("a definition by its artifact id, sha256:…")
  .argument("<artifact_id>")
  .action(async (id, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    const definition = (await weir.artifact(id, { signal })) as object;
    output.answer(definition, {
      pretty: () => [JSON.stringify(definition, null, 2)],
      compact: () => [JSON.stringify(definition)],
    });
  });
