/** Events of a run as a whole: when each may stand in the log. */
import { beginRelative, tellParent } from "./relative-rules.ts";
import type { Rules } from "./rules.ts";
import type { RunModel } from "./run-model.ts";
import { must } from "./violation.ts";

export const RUN_RULES: Rules = {
  "run.queued": (run, event) => {
    must(run.seq === 1, "2", () => "run.queued is not the first event");
    must(event.run_id === run.runId, "6", () => `the log of ${run.runId} begins with ${event.run_id}`);
    run.status = "queued";
    run.workflow = event.workflow;
    run.inputs = run.valueOf(event.inputs, "", 0);
    beginRelative(run, event);
  },
  "run.started": (run) => {
    must(run.status === "queued", "2", () => `run.started in a run that is ${run.status}`);
    run.status = "running";
  },
  "run.paused": (run) => {
    must(run.status === "running", "2", () => `a run that is ${run.status} is paused`);
    run.status = "paused";
  },
  "run.resumed": (run, event) => {
    must(run.status === "paused", "2", () => `a run that is ${run.status} is resumed`);
    run.status = "running";
    run.resumedMs = event.at;
  },
  "run.completed": (run) => {
    mayEnd(run, "run.completed");
    const failure = run.failure;
    must(failure === null, "rules", () => `the run completes though ${failure?.node} failed`);
    for (const id of run.definition.nodes.keys()) {
      must(
        run.node(id).status !== "pending",
        "rules",
        () => `the run completes though ${id} was neither run nor skipped`,
      );
    }
    end(run, "completed");
  },
  "run.failed": (run, event) => {
    mayEnd(run, "run.failed");
    const failing = run.failure;
    must(failing !== null, "rules", () => "the run fails though nothing failed");
    const { node, code } = event.error;
    must(node === failing.node && code === failing.code, "rules", () => `the run fails by ${node} (${code})`);
    end(run, "failed");
  },
  "run.cancelled": (run) => {
    mayEnd(run, "run.cancelled");
    end(run, "cancelled");
  },
  warning: (run, event) => {
    if (event.code !== "late_result") {
      must(!run.isTerminal, "2", () => `a warning ${event.code} after the end`);
      return;
    }
    const status = run.node(event.node ?? "").status;
    must(status === "cancelled", "4", () => `a late result of ${event.node}, which is ${status}`);
  },
  "edge.resolved": (run, event) => {
    must(!run.isTerminal, "2", () => "edges are resolved after the end");
    run.edges.resolve(event);
  },
};

function mayEnd(run: RunModel, event: string): void {
  const isOpen = run.status === "running" || (run.status === "paused" && event !== "run.completed");
  must(isOpen, "2", () => `${event} in a run that is ${run.status}`);
  must(run.active.size === 0, "2", () => `${event} though ${[...run.active].map((node) => node.id)} have not ended`);
}

function end(run: RunModel, status: "completed" | "failed" | "cancelled"): void {
  run.status = status;
  run.ends += 1;
  tellParent(run);
}
