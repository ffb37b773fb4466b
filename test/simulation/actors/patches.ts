/** Patches that scenarios ask for, made from the workflow as it is at that moment. */
import type { Json } from "#kernel/json.ts";
import type { EdgeDefinition } from "#workflow/definition.ts";
import type { RunModel } from "../model/run-model.ts";
import type { PatchKind } from "../scenario/scenario.ts";

/** `which` picks the node or edge that it is about; `name` is that of the node which it adds. */
export function operationsOf(run: RunModel, how: PatchKind, which: number, name: string): Json[] {
  const { nodes, edges } = run.definition;
  const ids = [...nodes.keys()];
  const node = ids[which % ids.length] ?? "";
  const at = which % Math.max(1, edges.length);
  const edge = edges[at];
  const added = (type: string, config: Json) => ({ op: "add", path: "/nodes/-", value: { id: name, type, config } });
  const work =
    which % 2 === 0
      ? added("transform", { expression: "output", language: "cel" })
      : added("http", { url: "https://api.example.com/added", payload: { from: `$nodes.${node}` } });
  const lead = (way: EdgeDefinition) => ({ op: "add", path: "/edges/-", value: way }) as unknown as Json;
  const isDecided = nodes.get(node)?.type === "conditional" && nodes.get(node)?.config?.condition !== undefined;
  const out: EdgeDefinition = { from: node, to: name, ...(isDecided ? { branch: "if" as const } : {}) };
  switch (how) {
    case "append":
      return [work, lead(which % 3 === 0 && !isDecided ? { ...out, condition: "output.v >= 4.0" } : out)];
    case "branch":
      return [work, lead({ from: node, to: name, on: "failure" })];
    case "insert":
      if (edge === undefined) return [{ op: "remove", path: "/edges/0" }];
      return [
        work,
        lead({ ...edge, to: name }),
        lead({ from: name, to: edge.to }),
        { op: "remove", path: `/edges/${at}` },
      ];
    case "remove":
      return [{ op: "remove", path: `/edges/${at}` }];
    default:
      return [
        work,
        lead(out),
        ...(which % 2 === 0 ? [added("no_such_type", {})] : [lead({ from: name, to: "nobody" })]),
      ];
  }
}
