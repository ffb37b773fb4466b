/**
 * The agent runner: each task is one attempt of an agent node, in a loop with a model until it has an answer. Gathers what
 * the loop needs of the run and of this installation; the loop itself is `#agent/run-agent.ts`.
 */
import type { KeptConversations } from "#agent/agent-ports.ts";
import type { AgentResult, AgentTask } from "#agent/agent-task.ts";
import { LiveText } from "#agent/live-text.ts";
import type { Models } from "#agent/models.ts";
import { runAgent } from "#agent/run-agent.ts";
import type { SystemFacts } from "#engine/metrics.ts";
import type { TaskAddress } from "#engine/task.ts";
import type { TaskScope } from "#engine/task-scope.ts";
import type { Clock } from "#kernel/clock.ts";
import { invariant, type NodeError, nodeError } from "#kernel/errors.ts";
import { nextUlid, type ShardAddress } from "#kernel/ids.ts";
import type { Limiters } from "#store/limiters.ts";
import type { CacheSubject, ResultCache } from "#store/result-cache.ts";
import type { Shards } from "#store/shards.ts";
import type { TaskMessage } from "#store/task-message.ts";
import { type AgentTaskConfig, agentTaskConfig } from "#workflow/node-configs.ts";
import { type AgentToolServices, AgentTools } from "./agent-tools.ts";
import { remembering } from "./remembering.ts";
import type { Execution, TaskWorker } from "./task-batch.ts";

/** Each holds a connection to its model; one of the six that an invocation may open is left for what tools fetch. */
export const AGENT_PARALLELISM = 5;

/** Locally there is no such bound; see `http.ts`. */
export const AGENT_PARALLELISM_LOCAL = 50;

export interface AgentServices extends AgentToolServices {
  models: Models;
  limiters: Limiters;
  conversations: KeptConversations;
  resultCache: ResultCache;
  clock: Clock;
}

export function agentWorker(services: AgentServices, describeSystem: () => SystemFacts, isLocal: boolean): TaskWorker {
  return {
    name: "agent-runner",
    parallelism: isLocal ? AGENT_PARALLELISM_LOCAL : AGENT_PARALLELISM,
    // An agent takes long as a rule, so its deadline runs from its start.
    announceAfterMs: 0,
    describeSystem,
    async execute(message, rawConfig, signal) {
      const parsed = agentTaskConfig.safeParse(rawConfig);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        const place = `${issue?.path.join(".")}: ${issue?.message}`;
        return nothing(nodeError("template_unresolved", `config does not fit once rendered at ${place}`));
      }
      const config = parsed.data;
      const shard = services.shards.addressOf(message.run_id);
      invariant(shard !== null, "the task was routed by its run's shard");
      const address = addressOf(message);
      const scope = await services.shards.call(shard, (stub) => stub.taskScope(message.tenant, address));
      if (scope === null) return nothing(nodeError("cancelled", "the run does not want the agent any more"));
      const subject: CacheSubject = {
        tenant: message.tenant,
        worker: "agent-runner",
        config: { ...rawConfig, cache: null },
        input: { inputs: scope.inputs, input: config.input ?? scope.input },
      };
      return remembering(services, message, config.cache?.ttl_ms ?? null, subject, async () => {
        const { model, name } = services.models.choose(config.model ?? null);
        const task = agentTask(message, config, scope, name);
        const wanted = () => isWanted(message, shard, services.shards);
        const attempt = { task, address, shard, scope, tools: config.tools ?? null, isWanted: wanted };
        const tools = new AgentTools(attempt, services);
        const live = new LiveText(
          (pieces) => services.shards.call(shard, (stub) => stub.agentText(message.tenant, address, pieces)),
          services.clock,
        );
        try {
          const result = await runAgent(task, {
            model,
            spending: services.limiters.spendingOf(message.tenant),
            conversations: services.conversations,
            toolbox: (patches, until) => tools.toolbox(patches, until),
            isWanted: wanted,
            hearText: (turn, piece) => live.hear(turn, piece),
            clock: services.clock,
            newCallId: () => `call_${nextUlid(services.clock.nowMs())}`,
            signal,
          });
          return executionOf(result);
        } finally {
          await live.close();
          await tools.close();
        }
      });
    },
  };
}

function agentTask(message: TaskMessage, config: AgentTaskConfig, scope: TaskScope, model: string): AgentTask {
  return {
    tenant: message.tenant,
    runId: message.run_id,
    workflow: message.workflow,
    node: message.path,
    visit: message.visit,
    attempt: message.attempt,
    config: {
      task: config.task,
      model,
      maxTurns: config.max_turns,
      outputSchema: config.output_schema ?? null,
      temperature: config.temperature ?? null,
      budgetUsd: config.budget_usd ?? null,
      asksForBudget: config.on_budget === "ask",
    },
    context: { inputs: scope.inputs, input: config.input ?? scope.input, workflow: scope.definition },
    timeoutMs: message.timeout_ms,
  };
}

function executionOf(result: AgentResult): Execution {
  const { outcome, patches, metrics, calls, callsOmitted, warnings, bytesIn, bytesOut } = result;
  return {
    outcome: outcome.ok && patches.length > 0 ? { ...outcome, patches } : outcome,
    bytesIn,
    bytesOut,
    measured: { llm: metrics, calls, ...(callsOmitted === 0 ? {} : { calls_omitted: callsOmitted }) },
    warnings,
  };
}

/** An announcement that is repeated changes nothing, and its answer says whether the task is still wanted. */
async function isWanted(message: TaskMessage, shard: ShardAddress, shards: Shards): Promise<boolean> {
  const start = { tenant: message.tenant, ...addressOf(message), worker: "agent-runner" as const };
  const [outcome] = await shards.call(shard, (stub) => stub.tasksStarted([start]));
  return outcome !== "too_late";
}

function addressOf({ run_id, path, visit, attempt }: TaskMessage): TaskAddress {
  return { run_id, path, visit, attempt };
}

function nothing(error: NodeError): Execution {
  return { outcome: { ok: false, error }, bytesIn: 0, bytesOut: 0 };
}
