/** How a patch of a run looks: its head, and the graph that it changes with what came, went and changed. */
import type { Json } from "#kernel/json.ts";
import { applyPatch } from "#workflow/patch.ts";
import type { RunPatch, Weir } from "../client/weir.ts";
import { drawGraphDiff } from "./graph-diff.ts";
import { fields, type Looks, type Output, type Paint, type Style } from "./output.ts";
import { ago } from "./wording.ts";

const STYLES: Readonly<Record<RunPatch["status"], Style>> = {
  applied: "green",
  proposed: "yellow",
  rejected: "red",
  reverted: "magenta",
};

export function paintPatch(status: RunPatch["status"], paint: Paint): string {
  return paint(STYLES[status], status);
}

export function patchHead(patch: RunPatch, paint: Paint): string[] {
  const who = patch.node === undefined ? `${patch.by} (${patch.source})` : `agent node ${patch.node}`;
  return [
    `${paint("bold", `patch ${patch.seq}`)}  ${paintPatch(patch.status, paint)}  by ${who}, ${ago(patch.proposed_at, Date.now())}`,
    ...(patch.description === null ? [] : [`  ${patch.description}`]),
    ...(patch.reason === undefined ? [] : [`  ${paint("red", patch.reason)}`]),
  ];
}

/** One patch alone: its operations are its compact form. */
export function patchLooks(patch: RunPatch, { paint }: Output, drawing: readonly string[] = []): Looks {
  return {
    pretty: () => [...patchHead(patch, paint), ...(drawing.length === 0 ? [] : ["", ...drawing])],
    compact: () => patch.operations.map(operationLine),
  };
}

export function operationLine(operation: { op?: unknown; path?: unknown; from?: unknown; value?: unknown }): string {
  const value = operation.value === undefined ? "" : JSON.stringify(operation.value);
  return fields(String(operation.op), String(operation.path), String(operation.from ?? ""), value);
}

/**
 * The graph before and after a patch, drawn as a diff: the run's own definition with the patches that were applied before.
 * Where those cannot be put together any more, the operations themselves.
 */
export async function drawPatch(
  weir: Weir,
  runId: string,
  patch: RunPatch,
  paint: Paint,
  signal: AbortSignal,
): Promise<string[]> {
  const [run, { items }] = await Promise.all([
    weir.runs.get(runId, { signal }),
    weir.runs.patches.list(runId, { signal }),
  ]);
  let before = (await weir.artifact(run.artifact_id, { signal })) as Json;
  for (const earlier of items) {
    if (earlier.seq === patch.seq || earlier.status !== "applied") continue;
    // A proposed one would come on top of all that are applied by now.
    if (earlier.seq > patch.seq && patch.status !== "proposed") continue;
    const applied = applyPatch(before, earlier.operations);
    if (applied.ok) before = applied.value;
  }
  const after = applyPatch(before, patch.operations);
  if (after.ok) return drawGraphDiff(before, after.value, paint);
  return patch.operations.map((operation) => `  ${operationLine(operation).replaceAll("\t", "  ")}`);
}
