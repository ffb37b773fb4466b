/** Everything an agent can use, as documents that are searched: workflows, node types, functions, tools, pipeline steps. */
import type { Json } from "#kernel/json.ts";
import { FUNCTION_NAMES } from "#workflow/node-configs.ts";
import { NODE_TYPES } from "#workflow/node-types.ts";
import { STEP_NAMES } from "../pipeline/steps.ts";
import { TOOL_NAMES, type WorkflowListing } from "../tool.ts";
import { TOOL_DESCRIPTIONS } from "./descriptions.ts";

const ENTRY_KINDS = ["workflow", "node_type", "function", "tool", "pipeline_step"] as const;

interface Entry {
  id: string;
  kind: (typeof ENTRY_KINDS)[number];
  name: string;
  /** Other words for it. */
  label: string;
  text: string;
  shown: { [key: string]: Json };
}

/** Characters of a text that an entry shows. */
const SHOWN_TEXT_LENGTH = 400;

/** The best matches, at most `limit`, and how many there are. Words match by prefix and with small errors. */
export async function searchCatalogue(
  query: string,
  limit: number,
  workflows: readonly WorkflowListing[],
): Promise<{ found: number; matches: Json[] }> {
  const { default: MiniSearch } = await import("minisearch");
  const entries = [...workflows.map(workflowEntry), ...builtInEntries()];
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const index = new MiniSearch<Entry>({
    fields: ["name", "label", "text", "kind"],
    tokenize: words,
    searchOptions: {
      boost: { name: 3, label: 2 },
      prefix: true,
      fuzzy: (term) => (term.length > 5 ? 2 : term.length > 3 ? 1 : false),
      weights: { fuzzy: 0.2, prefix: 0.5 },
    },
  });
  index.addAll(entries);
  const results = index.search(query).sort((left, right) => right.score - left.score || compareIds(left.id, right.id));
  const matches = results.slice(0, limit).flatMap(({ id }): Json[] => {
    const entry = byId.get(String(id));
    return entry === undefined ? [] : [{ kind: entry.kind, name: entry.name, ...entry.shown }];
  });
  return { found: results.length, matches };
}

/** So that equal scores always come in the same order. */
function compareIds(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** `fetchUrl`, `fetch_url` and `fetch-url` hold the same words. */
function words(text: string): string[] {
  return text
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

function workflowEntry({ tag, name, description, agents }: WorkflowListing): Entry {
  return {
    id: `workflow/${tag}`,
    kind: "workflow",
    name: tag,
    label: name ?? "",
    text: description ?? "",
    shown: { title: name, description: description?.slice(0, SHOWN_TEXT_LENGTH) ?? null, agents },
  };
}

function builtInEntries(): Entry[] {
  const types = [...NODE_TYPES.values()]
    .filter((type) => type.status === "available")
    .map(
      (type): Entry => ({
        id: `node_type/${type.type}`,
        kind: "node_type",
        name: type.type,
        label: `${type.label} ${type.category}`,
        text: type.outputs,
        shown: { label: type.label, outputs: type.outputs },
      }),
    );
  const functions = FUNCTION_NAMES.map(
    (name): Entry => ({
      id: `function/${name}`,
      kind: "function",
      name,
      label: "",
      text: "function_name of a function node",
      shown: { use: `a node of type function with config.function_name "${name}"` },
    }),
  );
  const tools = TOOL_NAMES.map(
    (name): Entry => ({
      id: `tool/${name}`,
      kind: "tool",
      name,
      label: "",
      text: TOOL_DESCRIPTIONS[name],
      shown: { description: TOOL_DESCRIPTIONS[name].slice(0, SHOWN_TEXT_LENGTH) },
    }),
  );
  const steps = STEP_NAMES.map(
    (name): Entry => ({
      id: `pipeline_step/${name}`,
      kind: "pipeline_step",
      name,
      label: "",
      text: "step of execute_pipeline",
      shown: { use: `a step of execute_pipeline: { "step": "${name}", … }` },
    }),
  );
  return [...types, ...functions, ...tools, ...steps];
}
