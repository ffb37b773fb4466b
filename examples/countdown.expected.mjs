/** The end of `countdown.json`, counted without a workflow: what a run of it must give. */

const PASSES_MAX = 10;

/** @param {number} from */
export function expectedOutputs(from) {
  const last = from > PASSES_MAX ? from - PASSES_MAX + 1 : 1;
  const end = { passes: Math.min(from, PASSES_MAX), last: last % 2 === 0 ? "even" : "odd" };
  return from > PASSES_MAX
    ? { out_of_time: { ...end, ended_by: "exhausted" } }
    : { lift_off: { ...end, ended_by: "break" } };
}
