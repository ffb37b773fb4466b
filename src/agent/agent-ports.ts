/** The world as an attempt of an agent reaches it. */
import type { AgentPatch } from "#engine/task.ts";
import type { Clock } from "#kernel/clock.ts";
import type { AgentTask } from "./agent-task.ts";
import type { Model } from "./model.ts";
import type { Spending } from "./spending.ts";
import type { Toolbox } from "./tool-calls.ts";

/** Conversations of attempts that had to stop and are to go on, by run, path and visit. */
export interface KeptConversations {
  load(task: AgentTask): Promise<string | null>;
  keep(task: AgentTask, text: string): Promise<void>;
  drop(task: AgentTask): Promise<void>;
}

export interface AgentPorts {
  model: Model;
  spending: Spending;
  conversations: KeptConversations;
  /** The node's tools, bound to this attempt; what they change of the run is put into `patches`. */
  toolbox(patches: AgentPatch[], signal: AbortSignal): Toolbox;
  /** Asked before each turn but the first: a run that was cancelled must not go on to cost. */
  isWanted(): Promise<boolean>;
  /** Hears what the model writes in a turn, from 1, as it writes it. */
  hearText(turn: number, piece: string): void;
  clock: Clock;
  newCallId(): string;
  /** Aborted when the run does not want the attempt any more. */
  signal: AbortSignal;
}
