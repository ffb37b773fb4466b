/** What the documents show is true: every JSON in them can be saved, and gives what they say it gives. */
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { isJsonObject, type Json } from "#kernel/json.ts";
import { checkWorkflow } from "#workflow/check.ts";
import { NODE_TYPES } from "#workflow/node-types.ts";
import { optimise } from "#workflow/optimise/optimise.ts";
import { RunDriver } from "../support/run-driver.ts";

interface Snippet {
  line: number;
  document: Json;
  promise: { inputs: Json; outputs: Json } | null;
}

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");

/** Blocks marked as JSON; JSONC may hold comments. A node alone is a workflow of one node. */
function snippetsOf(markdown: string): Snippet[] {
  return [...markdown.matchAll(/^```jsonc?\n(.*?)^```$\n*(?:With `([^\n]*)` it gives `([^\n]*)`\.$)?/gms)].map(
    (match) => {
      const [, text = "", inputs, outputs] = match;
      const parsed = JSON.parse(text.replace(/^((?:[^"\n]|"(?:[^"\\\n]|\\.)*")*?)\/\/.*$/gm, "$1")) as Json;
      return {
        line: markdown.slice(0, match.index).split("\n").length,
        document: isJsonObject(parsed) && parsed.nodes === undefined ? { nodes: [parsed] } : parsed,
        promise:
          inputs === undefined || outputs === undefined
            ? null
            : { inputs: JSON.parse(inputs), outputs: JSON.parse(outputs) },
      };
    },
  );
}

describe.each(["docs/guide/write-a-workflow.md", "docs/guide/agents.md", "README.md"])("%s", (path) => {
  test("every JSON in it is a workflow, or a node, without a problem", async () => {
    const snippets = snippetsOf(await read(path));
    expect(snippets.length).toBeGreaterThan(0);
    for (const { line, document } of snippets) {
      const { errors, warnings } = checkWorkflow(document);
      expect({ line, errors, warnings }).toEqual({ line, errors: [], warnings: [] });
    }
  });
});

describe("the guide", () => {
  test("runs give what it says they give", async () => {
    const promised = snippetsOf(await read("docs/guide/write-a-workflow.md")).filter(({ promise }) => promise !== null);
    expect(promised).toHaveLength(6);
    for (const { line, document, promise } of promised) {
      expect({ line, outputs: new RunDriver(document, promise?.inputs).outputs }).toEqual({
        line,
        outputs: promise?.outputs,
      });
    }
  });

  test("the suggestion that it shows is the first one for its workflow", async () => {
    const section = (await read("docs/guide/write-a-workflow.md")).split("## Suggestions")[1] ?? "";
    const blocks = [...section.matchAll(/^```(?:json)?\n(.*?)^```$/gms)].slice(0, 2);
    const [workflow, shown] = blocks.map(([, text]) => JSON.parse(text ?? ""));
    const { definition } = checkWorkflow(workflow);
    if (definition === null) throw new Error("the workflow has no shape");
    expect(optimise(definition).suggestions[0]).toEqual(shown);
  });

  test("it shows every node type that there is", async () => {
    const shown = snippetsOf(await read("docs/guide/write-a-workflow.md")).flatMap(
      ({ document }) => checkWorkflow(document).definition?.nodes.map((node) => node.type) ?? [],
    );
    const available = [...NODE_TYPES.values()].filter((type) => type.status === "available");
    expect(available.map(({ type }) => type).filter((type) => !shown.includes(type))).toEqual([]);
  });
});
