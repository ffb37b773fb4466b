/** The figures of `agent-patch.json`, worked out straight from the dataset; the words are those of the demo model. */

/** @param {{ features: readonly { properties: { mag: number } }[] }} earthquakes */
export function expectedOutputs(earthquakes) {
  return {
    save: {
      earthquakes: earthquakes.features.filter(({ properties }) => properties.mag >= 5.5).length,
      text: '[weir-demo] I put the node "validate_schema" between this one and the next; it checks what I hand on.',
      lane: "patch",
      checked: true,
    },
  };
}
