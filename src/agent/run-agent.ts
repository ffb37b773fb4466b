/**
 * One attempt of an agent node: asks the model, carries out what it asks for, asks again, until it answers or a bound
 * is reached. Everything outside stands behind ports; never throws for what a model or a provider does.
 */
import { type Deadline, openDeadline } from "#http/deadline.ts";
import { fail, isRetryable, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { AgentPorts } from "./agent-ports.ts";
import type { AgentResult, AgentTask, Lane } from "./agent-task.ts";
import { CallList } from "./call-list.ts";
import { Conversation } from "./conversation.ts";
import { DEMO_MODEL } from "./demo-name.ts";
import { interruption } from "./interruption.ts";
import { CONVERSATION_UNITS_MAX, SAME_CALL_MAX } from "./limits.ts";
import { MeteredModel } from "./metered-model.ts";
import { openingMessages } from "./prompt.ts";
import { readStructured, repairRequest } from "./structured-answer.ts";
import { answerCalls, mostRepeated, type Toolbox } from "./tool-calls.ts";

export async function runAgent(task: AgentTask, ports: AgentPorts): Promise<AgentResult> {
  const deadline = openDeadline(task.timeoutMs, ports.signal);
  try {
    const kept = task.attempt > 1 ? await ports.conversations.load(task) : null;
    const resumed = kept === null ? null : Conversation.parse(kept);
    const attempt = new Attempt(task, ports, deadline, resumed ?? new Conversation(openingMessages(task)));
    return await attempt.run(kept !== null);
  } finally {
    deadline.close();
  }
}

class Attempt {
  readonly #task: AgentTask;
  readonly #ports: AgentPorts;
  readonly #deadline: Deadline;
  readonly #conversation: Conversation;
  readonly #calls: CallList;
  readonly #toolbox: Toolbox;
  readonly #model: MeteredModel;

  constructor(task: AgentTask, ports: AgentPorts, deadline: Deadline, conversation: Conversation) {
    this.#task = task;
    this.#ports = ports;
    this.#deadline = deadline;
    this.#conversation = conversation;
    this.#calls = new CallList(ports.clock);
    this.#toolbox = this.#calls.watching(ports.toolbox(conversation.patches, deadline.signal));
    const endsAt = ports.clock.nowMs() + task.timeoutMs;
    this.#model = new MeteredModel(task, ports, this.#toolbox.specs, endsAt, this.#calls);
  }

  async run(isResumed: boolean): Promise<AgentResult> {
    const before = this.#conversation.calls.length;
    const outcome = await this.#converse();
    await this.#keepOrDrop(outcome, isResumed);
    const { metrics, warnings, bytesIn, bytesOut } = this.#model;
    const calls = this.#calls;
    calls.close();
    return {
      outcome: outcome.ok ? { ok: true, output: outcome.value } : outcome,
      patches: this.#conversation.patches,
      metrics: { ...metrics, tool_calls: this.#conversation.calls.slice(before).map(({ tool }) => tool) },
      calls: calls.calls,
      callsOmitted: calls.omitted,
      warnings,
      bytesIn: bytesIn + calls.bytesIn,
      bytesOut: bytesOut + calls.bytesOut,
    };
  }

  async #converse(): Promise<Result<JsonObject, NodeError>> {
    const { maxTurns, outputSchema } = this.#task.config;
    const conversation = this.#conversation;
    for (;;) {
      if (conversation.turns >= maxTurns + (conversation.isRepaired ? 1 : 0)) return fail(this.#outOfTurns());
      if (conversation.units > CONVERSATION_UNITS_MAX) {
        return fail(nodeError("model_error", `the conversation has more than ${CONVERSATION_UNITS_MAX} characters`));
      }
      if (conversation.turns > 0 && !(await this.#isWanted())) {
        return fail(nodeError("cancelled", "the run does not want the agent any more"));
      }
      const reply = await this.#model.ask(conversation, this.#deadline);
      if (!reply.ok) return reply;
      conversation.addReply(reply.value);
      if (reply.value.toolCalls.length > 0) {
        // No turn is left to read the answers in.
        if (conversation.turns >= maxTurns) return fail(this.#outOfTurns());
        const answered = await this.#answer(reply.value.toolCalls);
        if (!answered.ok) return answered;
        continue;
      }
      if (outputSchema === null) return ok(this.#output(reply.value.text, undefined));
      const result = readStructured(reply.value.text, outputSchema);
      if (result.ok) return ok(this.#output(reply.value.text, result.value));
      if (conversation.isRepaired) {
        const message = `the model's answer does not fit output_schema, asked twice: ${result.error[0] ?? ""}`;
        return fail(nodeError("model_output_invalid", message));
      }
      conversation.askForRepair(repairRequest(result.error, outputSchema));
    }
  }

  async #answer(calls: Parameters<typeof answerCalls>[0]): Promise<Result<null, NodeError>> {
    const conversation = this.#conversation;
    try {
      conversation.addAnswers(await this.#deadline.race(answerCalls(calls, this.#toolbox, conversation.known)));
    } catch {
      conversation.takeBackReply();
      return fail(interruption(this.#deadline, this.#task.timeoutMs));
    }
    if (mostRepeated(conversation.known) < SAME_CALL_MAX) return ok(null);
    return fail(nodeError("model_error", `the model asked for the very same tool call ${SAME_CALL_MAX} times`));
  }

  /** When it cannot be found out, the work goes on. */
  #isWanted(): Promise<boolean> {
    return this.#ports.isWanted().catch(() => true);
  }

  #output(text: string, result: Json | undefined): JsonObject {
    const { calls, usage } = this.#conversation;
    return {
      text,
      ...(result === undefined ? {} : { result }),
      lane: this.#lane,
      tool_calls: calls.map((call) => ({ ...call })),
      usage: { ...usage },
      // Nobody must take it for the answer of a model.
      ...(this.#task.config.model === DEMO_MODEL ? { demo: true } : {}),
    };
  }

  get #lane(): Lane {
    const { calls, patches } = this.#conversation;
    if (patches.some(({ rejected }) => rejected === undefined)) return "patch";
    return calls.length === 0 ? "answer" : "pipeline";
  }

  #outOfTurns(): NodeError {
    const { maxTurns } = this.#task.config;
    return nodeError("max_turns", `no answer within ${maxTurns} turns (max_turns)`);
  }

  #asksAbout(error: NodeError): boolean {
    return error.code === "budget_exceeded" && this.#task.config.asksForBudget;
  }

  /** Where another attempt may follow, it goes on from the last turn that was answered, and does nothing twice. */
  async #keepOrDrop(outcome: Result<JsonObject, NodeError>, isKept: boolean): Promise<void> {
    const { conversations } = this.#ports;
    const mayGoOn = !outcome.ok && (isRetryable(outcome.error) || this.#asksAbout(outcome.error));
    const { turns, known } = this.#conversation;
    const text = mayGoOn && (turns > 0 || known.size > 0) ? this.#conversation.serialise() : null;
    try {
      if (text !== null) await conversations.keep(this.#task, text);
      else if (isKept) await conversations.drop(this.#task);
    } catch {
      // The next attempt begins anew: it costs more, and is right all the same.
    }
  }
}
