/** What a tool gives back, cut to what a model should read: an effect that has happened is not an error for its size. */
import { type Json, utf8Length } from "#kernel/json.ts";
import { TOOL_RESULT_BYTES_MAX } from "./limits.ts";

/** The value, or the start of its JSON text with a note of what is missing. */
export function boundedResult(value: Json): Json {
  const text = JSON.stringify(value);
  const bytes = utf8Length(text);
  if (bytes <= TOOL_RESULT_BYTES_MAX) return value;
  // Three bytes at most for each unit.
  const start = text.slice(0, Math.floor(TOOL_RESULT_BYTES_MAX / 4)).toWellFormed();
  return { truncated: true, bytes, start_of_json: start };
}
