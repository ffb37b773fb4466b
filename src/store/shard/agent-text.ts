/** What a model is writing, as those hear it who watch its run. */
import type { TextPiece } from "#agent/live-text.ts";
import type { TaskAddress } from "#engine/task.ts";
import { rfc3339 } from "#kernel/clock.ts";
import type { Remark } from "./stream.ts";

export function agentTexts(
  { path, visit, attempt }: TaskAddress,
  pieces: readonly TextPiece[],
  nowMs: number,
): Remark[] {
  return pieces.map(({ turn, offset, text }) => ({
    type: "agent.text",
    at: rfc3339(nowMs),
    node: path,
    visit,
    attempt,
    turn,
    offset,
    text,
  }));
}
