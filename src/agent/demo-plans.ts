/**
 * What the demo model does about a task: a few plans, recognised by words of the task and by the tools at hand. Enough
 * to fetch and summarise data, to put a check into a running workflow, and to hand work on.
 */
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import { summarise } from "./data-summary.ts";

export interface DemoScene {
  task: string;
  node: string;
  workflow: JsonObject;
  inputs: Json;
  input: Json;
  tools: ReadonlySet<string>;
}

export interface DemoCall {
  tool: string;
  args: JsonObject;
}

/** The call to begin with; null when the input is all there is to work on. */
export function planCall(scene: DemoScene): DemoCall | null {
  const { task, tools } = scene;
  if (tools.has("patch_workflow") && /\b(add|insert|put)\b.*\b(validat|check)/is.test(task)) {
    const patch = insertCheck(scene);
    if (patch !== null) return { tool: "patch_workflow", args: { patch_spec: patch } };
  }
  if (tools.has("delegate_to_agent") && /\b(delegate|hand (it|this|the work) (on|over))\b/i.test(task)) {
    const agent = /[`"']([A-Za-z0-9][A-Za-z0-9._-]{0,63})[`"']/.exec(task)?.[1];
    const inputs = isJsonObject(scene.inputs) ? scene.inputs : {};
    if (agent !== undefined) return { tool: "delegate_to_agent", args: { agent, inputs } };
  }
  const url = findUrl(task) ?? findUrl(JSON.stringify(scene.inputs));
  if (tools.has("execute_pipeline") && url !== null) {
    return { tool: "execute_pipeline", args: { pipeline: [{ step: "http_request", url, method: "GET" }] } };
  }
  return null;
}

/** What to say of a tool's answer. */
export function sayOf(call: string, answer: Json): string {
  if (isJsonObject(answer) && typeof answer.error === "string") return `The tool "${call}" refused: ${answer.error}`;
  switch (call) {
    case "patch_workflow":
      return 'I put the node "validate_schema" between this one and the next; it checks what I hand on.';
    case "delegate_to_agent":
      return `The other workflow answered with ${summarise(answer)}.`;
    default:
      return `The data has ${summarise(answer)}.`;
  }
}

/** A patch that puts a check between the agent and its first successor; null when it has none. */
function insertCheck({ node, workflow }: DemoScene): JsonObject | null {
  const edges = Array.isArray(workflow.edges) ? workflow.edges.filter(isJsonObject) : [];
  const nodes = Array.isArray(workflow.nodes) ? workflow.nodes.filter(isJsonObject) : [];
  const index = edges.findIndex((edge) => edge.from === node && edge.on !== "failure");
  const edge = edges[index];
  if (edge === undefined || nodes.some(({ id }) => id === "validate_schema")) return null;
  const expression = "{'valid': has(output.text) && output.text != '', 'checked': output}";
  return {
    description: "check the answer before it is handed on",
    operations: [
      { op: "add", path: "/nodes/-", value: { id: "validate_schema", type: "transform", config: { expression } } },
      { op: "add", path: "/edges/-", value: { ...edge, to: "validate_schema" } },
      { op: "add", path: "/edges/-", value: { from: "validate_schema", to: edge.to ?? "" } },
      { op: "remove", path: `/edges/${index}` },
    ],
  };
}

function findUrl(text: string): string | null {
  return /https?:\/\/[^\s"'`<>)\]}]+/.exec(text)?.[0] ?? null;
}
