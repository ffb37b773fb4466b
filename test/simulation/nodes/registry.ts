/** The node types that are simulated; adding one is a file here and a line below. */
import { agent } from "./agent.ts";
import { aggregate } from "./aggregate.ts";
import { conditional } from "./conditional.ts";
import { delay } from "./delay.ts";
import { fileSearch } from "./file-search.ts";
import { filter } from "./filter.ts";
import { functionNode } from "./function.ts";
import { hitl } from "./hitl.ts";
import { http } from "./http.ts";
import { loop } from "./loop.ts";
import { map } from "./map.ts";
import type { NodeKind } from "./node-kind.ts";
import { parallel } from "./parallel.ts";
import { transform } from "./transform.ts";
import { waitForEvent } from "./wait-for-event.ts";
import { workflow } from "./workflow.ts";

export const NODE_KINDS: readonly NodeKind[] = [
  http,
  conditional,
  parallel,
  transform,
  filter,
  aggregate,
  functionNode,
  fileSearch,
  loop,
  delay,
  waitForEvent,
  hitl,
  map,
  workflow,
  agent,
];

const BY_TYPE = new Map(NODE_KINDS.map((kind) => [kind.type, kind]));

export function kindOf(type: string): NodeKind {
  const kind = BY_TYPE.get(type);
  if (kind === undefined) throw new Error(`the simulator knows no node type ${type}`);
  return kind;
}
