/**
 * References in a pipeline's arguments: `$nodes.x.items`, `$inputs.a`, `$session.id`, `cas://sha256:…`. Reading the
 * grammar and walking paths is the expression layer's; what belongs to whom is the ports'.
 */
import { renderPlan } from "#expression/template-render.ts";
import { readTemplateText, type TemplateRoot } from "#expression/template-text.ts";
import { fail, ok, type Result } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import type { ToolContext } from "../tool.ts";

export const REFERENCE_LENGTH_MAX = 1_024;

const CONTENT = /^cas:\/\/(sha256:[0-9a-f]{64})$/;
const SESSION = /^\$session\.([A-Za-z0-9_-]{1,64})(.*)$/s;
const NODE = /^\$(?:nodes|ctx)\.([A-Za-z0-9_-]{1,64})(?=[.[]|$)/;
const ROOTS: ReadonlySet<TemplateRoot> = new Set(["nodes", "inputs"]);
const ROOT = /^\$(?:nodes|ctx|inputs)(?=[.[]|$)/;

export const REFERENCE_FORMS =
  '"$nodes.<id>.<path>", "$inputs.<path>", "$session.<id>.<path>" or "cas://sha256:<64 hex digits>"';

/** What a reference stands for; the error says why there is nothing. */
export async function readReference(text: string, context: ToolContext): Promise<Result<Json, string>> {
  const content = CONTENT.exec(text)?.[1];
  if (content !== undefined) {
    const value = await context.ports.readContent(content);
    return value === null ? fail(`there is no content ${text}`) : ok(value);
  }
  const session = SESSION.exec(text);
  if (session !== null) {
    const [, id = "", path = ""] = session;
    const value = context.sessions.get(id);
    if (value === undefined) return fail(`there is no session "${id}"${known(context.sessions.ids)}`);
    return resolve(`$inputs${path}`, text, { ...context.variables, inputs: value });
  }
  if (!ROOT.test(text)) return fail(`${JSON.stringify(text.slice(0, 80))} is no reference: write ${REFERENCE_FORMS}`);
  const node = NODE.exec(text)?.[1];
  if (node !== undefined && context.variables.node(node) === undefined) {
    return fail(`node "${node}" has no output: it does not exist or has not completed`);
  }
  return resolve(text, text, context.variables);
}

function known(ids: readonly string[]): string {
  return ids.length === 0 ? ": none was kept yet" : `; known are ${ids.join(", ")}`;
}

function resolve(reference: string, written: string, variables: ToolContext["variables"]): Result<Json, string> {
  const read = readTemplateText(reference, ROOTS);
  // References inside a text are for templates: here one stands alone.
  if (!read.ok || !("whole" in read.value)) {
    return fail(`${JSON.stringify(written.slice(0, 80))} is no reference: write ${REFERENCE_FORMS}`);
  }
  const rendered = renderPlan(
    { kind: "reference", reference: read.value.whole },
    {
      inputs: variables.inputs,
      run: null,
      iteration: 0,
      node: (id) => {
        const output = variables.node(id);
        return output === undefined ? { state: "absent" } : { state: "completed", output };
      },
    },
  );
  if (rendered.ok) return rendered;
  return fail(`${written.slice(0, 80)}: ${rendered.error.message.replace(/^\S+: /, "")}`);
}
