/** Rules by the type of event they are for. */
import type { RunEvent } from "#engine/events.ts";
import type { EventOf, RunModel } from "./run-model.ts";

export type Rules = { [Type in RunEvent["type"]]?: (run: RunModel, event: EventOf<Type>) => void };
