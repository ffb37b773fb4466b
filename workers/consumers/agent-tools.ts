/**
 * What the tools of an agent reach, bound to one attempt: requests through the URL guard, the run's shard, the tenant's
 * workflows. The tools themselves are `#agent/tools`.
 */
import type { AgentTask } from "#agent/agent-task.ts";
import type { ObservedRequest, ObserveRequest } from "#agent/call-list.ts";
import { fetchDocument } from "#agent/openapi/fetch-document.ts";
import { PatchProposals } from "#agent/patch-proposals.ts";
import { PipelineSessions } from "#agent/pipeline/sessions.ts";
import type { ToolPorts, ToolRequest, ToolResponse } from "#agent/tool.ts";
import type { Toolbox } from "#agent/tool-calls.ts";
import { toolboxOf } from "#agent/toolbox.ts";
import { type AgentPatch, idempotencyKey, type TaskAddress } from "#engine/task.ts";
import type { TaskScope } from "#engine/task-scope.ts";
import { refusedUrlsOf } from "#http/literal-urls.ts";
import { executeRequest, type HttpEnvironment, type HttpOutcome } from "#http/request.ts";
import { fail, type NodeError, ok, type Result } from "#kernel/errors.ts";
import type { ShardAddress } from "#kernel/ids.ts";
import { canonicalJson, type Json, ownValue } from "#kernel/json.ts";
import { sha256 } from "#store/content-address.ts";
import { Delegations } from "#store/delegations.ts";
import type { Shards } from "#store/shards.ts";
import { changedWorkflow, type WorkflowProposals } from "#store/workflow-proposals.ts";
import type { Workflows } from "#store/workflows.ts";
import type { Logger } from "#telemetry/log.ts";
import { attemptTraceparent } from "#telemetry/traces/traceparent.ts";

export interface AgentToolServices {
  http: Omit<HttpEnvironment, "idempotencyKey" | "signal">;
  shards: Shards;
  workflows: Workflows;
  proposals: WorkflowProposals;
  logger: Logger;
}

/** One attempt, and where its run lives. */
export interface AgentAttempt {
  task: AgentTask;
  address: TaskAddress;
  shard: ShardAddress;
  scope: TaskScope;
  /** The tools that the node allows; null: all. */
  tools: readonly string[] | null;
  /** Whether the run still waits for it. */
  isWanted(): Promise<boolean>;
}

/** Methods that only read (RFC 9110, 9.2.1): a shadow run sends no other. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

export class AgentTools {
  readonly #attempt: AgentAttempt;
  readonly #services: AgentToolServices;
  #delegations: Delegations | null = null;

  constructor(attempt: AgentAttempt, services: AgentToolServices) {
    this.#attempt = attempt;
    this.#services = services;
  }

  /** `patches` is added to by what the agent asks for. */
  toolbox(patches: AgentPatch[], signal: AbortSignal): Toolbox {
    const { task, scope, tools } = this.#attempt;
    const { tenant, runId, node, visit, attempt } = task;
    const ports = this.#ports(patches, signal);
    const context = {
      tenant,
      runId,
      node,
      visit,
      attempt,
      depth: scope.depth,
      signal,
      ports,
      variables: { inputs: scope.inputs, node: (id: string) => ownValue(scope.outputs, id) },
      sessions: new PipelineSessions(),
      nowMs: () => this.#services.http.clock.nowMs(),
    };
    const { logger } = this.#services;
    return toolboxOf(
      tools,
      context,
      (error) => logger.warn("a tool of an agent failed", { tenant, run_id: runId, node_id: node, attempt, error }),
      (observe) => ({ ...ports, ...this.#requests(signal, observe) }),
    );
  }

  /** To be called when the attempt has ended. */
  async close(): Promise<void> {
    await this.#delegations?.close();
  }

  #ports(patches: AgentPatch[], signal: AbortSignal): ToolPorts {
    const { task, address, scope, shard } = this.#attempt;
    const { tenant } = task;
    const { shards, workflows, http } = this.#services;
    const { isWanted } = this.#attempt;
    const delegations = new Delegations({ tenant, task: address, shard, scope, shards, workflows, signal, isWanted });
    this.#delegations = delegations;
    const changes = new PatchProposals({
      node: task.node,
      patches,
      isGated: isGated(scope),
      policy: http.policy,
      judge: (earlier, operations) => shards.call(shard, (stub) => stub.tryPatch(tenant, address, earlier, operations)),
    });
    return {
      ...this.#requests(signal, () => {}),
      readContent: async (id) => workflows.artifact(tenant, id),
      proposePatch: (operations, description) => changes.propose(operations, description),
      proposeWorkflowChange: (tag, operations, description) => this.#proposeChange(tag, operations, description),
      workflows: (limit) => workflows.listings(tenant, limit),
      delegate: (agent, inputs) => delegations.delegate(agent, inputs),
    };
  }

  /** The ports that make requests. */
  #requests(signal: AbortSignal, observe: ObserveRequest): Pick<ToolPorts, "http" | "openApi"> {
    const { tenant } = this.#attempt.task;
    const { clock } = this.#services.http;
    const request = (wanted: ToolRequest) => this.#request(wanted, signal, observe);
    return { http: request, openApi: (url) => fetchDocument(tenant, url, request, clock.nowMs()) };
  }

  async #request(
    request: ToolRequest,
    signal: AbortSignal,
    observe: ObserveRequest,
  ): Promise<Result<ToolResponse, NodeError>> {
    const { address, scope } = this.#attempt;
    if (scope.shadow && !SAFE_METHODS.has(request.method)) {
      return ok({ status_code: 200, headers: {}, body: null, bytes_in: 0, bytes_out: 0 });
    }
    // Asked for once more by a later attempt it is the same effect; another request of this one is another.
    const digest = (await sha256(canonicalJson(request as unknown as Json))).slice(0, 16);
    const environment = {
      ...this.#services.http,
      idempotencyKey: `${idempotencyKey(address)}/${digest}`,
      traceparent: attemptTraceparent(address),
      signal,
    };
    const { clock } = environment;
    const at = clock.nowMs();
    const outcome = await executeRequest({ ...request, secrets: request.secrets ?? [] }, environment);
    observe(observed(request, outcome, at, clock.nowMs() - at));
    if (!outcome.ok) return fail(outcome.error);
    const { output, bytes_in, bytes_out } = outcome;
    const { status_code, headers, body } = output;
    return ok({ status_code, headers, body, bytes_in, bytes_out });
  }

  async #proposeChange(
    tag: string,
    operations: Json[],
    description: string | null,
  ): Promise<Result<{ proposal_id: string }, string>> {
    const { task, scope } = this.#attempt;
    const { workflows, proposals, http } = this.#services;
    const { tenant, runId, node, visit } = task;
    if (scope.shadow) return fail("this run is only a shadow of another: it proposes nothing");
    const found = await workflows.find(tenant, tag);
    if (found === null) return fail(`there is no workflow "${tag}"`);
    const changed = changedWorkflow(found.definition, operations);
    const problems = changed.ok ? refusedUrlsOf(changed.value.definition.nodes, http.policy) : changed.error;
    if (!changed.ok || problems.length > 0) {
      const details = problems.slice(0, 10).map(({ pointer, message }) => `${pointer}: ${message}`);
      return fail(`the change was refused: ${details.join("; ")}`);
    }
    const { summary } = changed.value;
    const { artifactId } = found;
    const proposal = { tag, artifactId, operations, summary, description, runId, node, visit };
    const id = await proposals.add(tenant, proposal, http.clock.nowMs());
    return id === null
      ? fail(`"${tag}" has as many proposals as may wait: they are to be decided on first`)
      : ok({ proposal_id: id });
  }
}

function observed({ method, url }: ToolRequest, outcome: HttpOutcome, at: number, durationMs: number): ObservedRequest {
  const { bytes_in, bytes_out } = outcome;
  const status = outcome.ok ? outcome.output.status_code : outcome.error.details?.status;
  return {
    at,
    duration_ms: Math.max(0, durationMs),
    method,
    host: URL.canParse(url) ? new URL(url).hostname : "",
    status: typeof status === "number" ? status : null,
    bytes_in,
    bytes_out,
    ...(outcome.ok ? {} : { error: outcome.error.code }),
  };
}

function isGated({ definition }: TaskScope): boolean {
  const metadata = ownValue(definition, "metadata");
  return (
    typeof metadata === "object" && metadata !== null && "patch_policy" in metadata && metadata.patch_policy === "gated"
  );
}
