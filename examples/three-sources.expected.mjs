/** The figures of `three-sources.json`, worked out straight from the datasets: what a run of it must give. */

/**
 * @param {readonly { state: string, name: string, latitude: number }[]} airports
 * @param {{ features: readonly { properties: { mag: number } }[] }} earthquakes
 * @param {readonly { weather: string, temp_max: number }[]} days
 * @param {string} state
 */
export function expectedOutputs(airports, earthquakes, days, state) {
  const inState = airports.filter((airport) => airport.state === state);
  const northernmost = inState.reduce((best, airport) => (airport.latitude > best.latitude ? airport : best));
  const strong = earthquakes.features.map(({ properties }) => properties.mag).filter((magnitude) => magnitude >= 4.5);
  return {
    report: {
      airports: { count: inState.length, northernmost: northernmost.name },
      earthquakes: { strong: strong.length, strongest: Math.max(...strong) },
      weather: {
        hottest: Math.max(...days.map((day) => day.temp_max)),
        days_of_snow: days.filter((day) => day.weather === "snow").length,
      },
    },
  };
}
