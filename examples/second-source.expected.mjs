/** The figures of `second-source.json`, worked out straight from the dataset: what a run of it must give. */

/** @param {readonly { distance: number, delay: number }[]} flights */
export function expectedOutputs(flights) {
  const farAndLate = flights.filter(({ distance, delay }) => distance > 1_000 && delay > 30);
  return {
    report: {
      source: "archive",
      because: { node: "fetch_today", code: "http_status" },
      far_and_late: farAndLate.length,
      total_delay_minutes: farAndLate.reduce((total, { delay }) => total + delay, 0),
    },
  };
}
