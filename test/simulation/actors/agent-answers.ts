/** What the stand-in for a model says: a plain answer, patches of its own run, or that its budget is spent. */
import type { AgentPatch, TaskOutcome } from "#engine/task.ts";
import { nodeError } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import type { TaskMessage } from "#store/task-message.ts";
import type { Choices } from "../platform/choices.ts";

export function answerOfAgent(choices: Choices, about: string, task: TaskMessage): TaskOutcome {
  const kind = choices.fraction(`agent/${about}`);
  if (kind < 0.1) return { ok: false, error: nodeError("budget_exceeded", "the budget of the run is spent") };
  const output = { text: "so it is", lane: "answer", tool_calls: [], v: choices.between(`v/${about}`, 0, 9) };
  if (kind < 0.4) return { ok: true, output };
  const count = choices.between(`agent/${about}/patches`, 1, 3);
  const patches = Array.from({ length: count }, (_, index) => patchOf(choices, `${about}/${index}`, task, index));
  return { ok: true, output: { ...output, lane: "patch" }, patches };
}

/** Its description says whether it is one that an agent may make. */
function patchOf(choices: Choices, about: string, { path, visit, attempt }: TaskMessage, index: number): AgentPatch {
  const id = `${path}-${visit}-${attempt}-${index}`;
  const add = (type: string, config: Json) => ({ op: "add", path: "/nodes/-", value: { id, type, config } });
  const lead = (from: string) => ({ op: "add", path: "/edges/-", value: { from, to: id } });
  const work = add("transform", { expression: "output" });
  const way = choices.fraction(`agent/${about}`);
  if (way < 0.55) return { operations: [work, lead(path)], description: "right" };
  if (way < 0.65) return { operations: [work, lead(path)], description: "right", rejected: "the runner refused it" };
  const wrong: Json[][] = [
    // A type that is not there, or not an agent's to add; work that nothing leads to; a host that nobody named.
    [add("no_such_type", {}), lead(path)],
    [add("workflow", { workflow: "w0" }), lead(path)],
    [work],
    [add("http", { url: "https://elsewhere.example.net/" }), lead(path)],
    [{ op: "remove", path: "/nodes/0" }],
  ];
  return { operations: choices.pick(`agent/${about}/wrong`, wrong), description: "wrong" };
}
