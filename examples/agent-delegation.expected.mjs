/** What `agent-delegation.json` gives; the words are those of the demo model. */

export function expectedOutputs() {
  return {
    report: {
      delegated: ["delegate_to_agent: done"],
      text: "[weir-demo] The other workflow answered with an object with report.",
    },
  };
}
