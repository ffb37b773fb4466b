/** What changed between two graphs: only the nodes and edges that did, in the order they can run, with their colours. */
import type { EdgeDefinition, NodeDefinition } from "#workflow/definition.ts";
import { edgeKeys } from "#workflow/graph.ts";
import { arrowOf, definitionOf, groupBy, inOrder, noteOf } from "./graph.ts";
import type { Paint } from "./output.ts";
import { count } from "./wording.ts";

type Mark = "+" | "-" | "~" | " ";
const STYLES = { "+": "green", "-": "red", "~": "yellow" } as const;

/** Lines with `+` for what came, `-` for what went, `~` for what changed. */
export function drawGraphDiff(before: unknown, after: unknown, paint: Paint): string[] {
  const from = definitionOf(before);
  const to = definitionOf(after);
  const nodesBefore = new Map(from.nodes.map((node) => [node.id, node]));
  const nodesAfter = new Map(to.nodes.map((node) => [node.id, node]));
  const gone = from.nodes.filter((node) => !nodesAfter.has(node.id));
  const edges = markedEdges(from.edges, to.edges);
  let unchanged = 0;
  const lines = inOrder([...to.nodes, ...gone], [...to.edges, ...from.edges]).flatMap((node) => {
    const old = nodesBefore.get(node.id);
    const now = nodesAfter.get(node.id);
    const changes = old !== undefined && now !== undefined ? changesOf(old, now) : [];
    const mark = markOf(old, now, changes.length > 0);
    const ownEdges = (edges.get(node.id) ?? []).filter((edge) => edge.mark !== " ");
    if (mark === " " && ownEdges.length === 0) {
      unchanged += 1;
      return [];
    }
    return [
      painted(mark, `${mark} ${node.id}  ${node.type}`, paint),
      ...changes.flatMap((change) =>
        change.lines.map((line) => painted(line.mark, `    ${line.mark} ${line.text}`, paint)),
      ),
      ...ownEdges.map(({ edge, mark: edgeMark }) =>
        painted(edgeMark, `    ${edgeMark} ${arrowOf(edge)} ${edge.to}${noteOf(edge)}`, paint),
      ),
    ];
  });
  return unchanged === 0 ? lines : [...lines, paint("dim", `  ${count(unchanged, "node")} unchanged`)];
}

function markOf(old: NodeDefinition | undefined, now: NodeDefinition | undefined, isChanged: boolean): Mark {
  if (old === undefined) return "+";
  if (now === undefined) return "-";
  return isChanged ? "~" : " ";
}

function painted(mark: Mark, text: string, paint: Paint): string {
  return mark === " " ? text : paint(STYLES[mark], text);
}

/** Every edge of either graph by the node it leaves, and whether it came or went. */
function markedEdges(from: readonly EdgeDefinition[], to: readonly EdgeDefinition[]) {
  const before = keyed(from);
  const after = keyed(to);
  const all = [
    ...[...after].map(([key, edge]) => ({ edge, mark: (before.has(key) ? " " : "+") as Mark })),
    ...[...before].filter(([key]) => !after.has(key)).map(([, edge]) => ({ edge, mark: "-" as Mark })),
  ];
  return groupBy(all, ({ edge }) => edge.from);
}

/** By all that an edge says: one whose condition changed is another edge. */
function keyed(edges: readonly EdgeDefinition[]): Map<string, EdgeDefinition> {
  const keys = edgeKeys(edges);
  return new Map(edges.map((edge, index) => [`${keys[index]} ${JSON.stringify(noteOf(edge))}`, edge]));
}

interface Change {
  lines: { mark: Mark; text: string }[];
}

/** The members of a node that differ, those of its config one by one. */
function changesOf(before: NodeDefinition, after: NodeDefinition): Change[] {
  const old = flat(before);
  const now = flat(after);
  const names = [...new Set([...old.keys(), ...now.keys()])].filter((name) => old.get(name) !== now.get(name));
  return names.map((name) => ({
    lines: [
      ...(old.has(name) ? [{ mark: "-" as Mark, text: `${name}: ${old.get(name)}` }] : []),
      ...(now.has(name) ? [{ mark: "+" as Mark, text: `${name}: ${now.get(name)}` }] : []),
    ],
  }));
}

function flat({ id: _, config, ...rest }: NodeDefinition): Map<string, string> {
  const entries = [
    ...Object.entries(rest),
    ...Object.entries(config ?? {}).map(([key, value]) => [`config.${key}`, value] as const),
  ];
  return new Map(entries.map(([name, value]) => [name, JSON.stringify(value)]));
}
