/** Begins what a waiting node waits for; a config that cannot be rendered fails the node instead. */
import type { JsonObject } from "#kernel/json.ts";
import { renderConfig } from "../render-config.ts";
import type { Transition } from "../transition.ts";
import { startApproval } from "./approval.ts";
import { failAtOnce } from "./begin.ts";
import { startChild } from "./child.ts";
import { startDelay } from "./delay.ts";
import { startEvent } from "./event.ts";
import { startItems } from "./items.ts";

type Begin = (transition: Transition, path: string, visit: number, config: JsonObject) => void;

const BEGIN: ReadonlyMap<string, Begin> = new Map([
  ["delay", startDelay],
  ["wait_for_event", startEvent],
  ["hitl", startApproval],
  ["workflow", startChild],
  ["map", startItems],
]);

export function startWaiting(transition: Transition, path: string, visit: number): void {
  const node = transition.node(path);
  const config = renderConfig(node, transition.scope);
  if (config.ok) BEGIN.get(node.type.type)?.(transition, path, visit, config.value);
  else failAtOnce(transition, path, visit, config.error);
}
