/** The figures of `agent-summary.json`, worked out straight from the dataset; the words are those of the demo model. */

/** @param {readonly { date: string, precipitation: number, temp_max: number, temp_min: number, weather: string }[]} days */
export function expectedOutputs(days) {
  const heavy = days.filter(({ precipitation }) => precipitation >= 30);
  const column = (/** @type {"precipitation" | "temp_max" | "temp_min"} */ name) => {
    const values = heavy.map((day) => day[name]);
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    return `${name} from ${Math.min(...values)} to ${Math.max(...values)}, ${Math.round(average * 100) / 100} on average`;
  };
  const different = (/** @type {"date" | "weather"} */ name) => {
    const count = new Set(heavy.map((day) => day[name])).size;
    return `${name} with ${count} different ${count === 1 ? "value" : "values"}`;
  };
  const columns = [
    different("date"),
    column("precipitation"),
    column("temp_max"),
    column("temp_min"),
    different("weather"),
  ];
  return {
    report: {
      days_of_heavy_rain: heavy.length,
      summary: `[weir-demo] I was given ${heavy.length} rows: ${columns.join("; ")}.`,
      calls: 1,
    },
  };
}
