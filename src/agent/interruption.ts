/** Why an agent was stopped from outside, as a node's error. */
import type { Deadline } from "#http/deadline.ts";
import { type NodeError, nodeError } from "#kernel/errors.ts";

export function interruption(deadline: Deadline, timeoutMs: number): NodeError {
  return deadline.fallen === "timeout"
    ? nodeError("timeout", `the agent had no answer within ${timeoutMs} ms`)
    : nodeError("cancelled", "the agent was stopped");
}
