/** The five tools, or those of them that a node allows, bound to one attempt of it. */
import type { ObserveRequest } from "./call-list.ts";
import { TOOL_NAMES, type ToolContext, type ToolName, type ToolPorts } from "./tool.ts";
import type { Toolbox } from "./tool-calls.ts";
import { callTool, readsOnly } from "./tools/call-tool.ts";
import { TOOLS } from "./tools/registry.ts";

/**
 * `names` null: all five. Specs come in a fixed order, always the same bytes, so that providers can cache what a request
 * begins with. What a tool threw is told to `onFault`; `portsFor` gives ports whose requests are observed.
 */
export function toolboxOf(
  names: readonly string[] | null,
  context: ToolContext,
  onFault: (error: unknown) => void = () => {},
  portsFor: (observe: ObserveRequest) => ToolPorts = () => context.ports,
): Toolbox {
  const allowed: ToolName[] = TOOL_NAMES.filter((name) => names === null || names.includes(name));
  return {
    specs: allowed.map((name) => {
      const { description, parameters } = TOOLS[name];
      return { name, description, parameters };
    }),
    readsOnly: (call) => readsOnly(call, allowed),
    call: (call, observe) => {
      const own = observe === undefined ? context : { ...context, ports: portsFor(observe) };
      return callTool(call, allowed, own, onFault);
    },
  };
}
