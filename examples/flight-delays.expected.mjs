/** The figures of `flight-delays.json`, worked out straight from the datasets: what a run of it must give. */

/**
 * @param {readonly { delay: number }[]} flights
 * @param {readonly { precipitation: number }[]} weather
 */
export function expectedOutputs(flights, weather) {
  const delays = flights.map(({ delay }) => delay).filter((delay) => delay > 30);
  const rain = weather.map(({ precipitation }) => precipitation).filter((millimetres) => millimetres > 0);
  const average = sum(delays) / delays.length;
  return {
    report: {
      flights: {
        late: delays.length,
        average_delay_minutes: average,
        longest_delay_minutes: Math.max(...delays),
      },
      seattle: { wet_days: rain.length, rainfall_mm: sum(rain) },
      judgement:
        average > 60
          ? { verdict: "severe", advice: "a late flight costs more than an hour: take an earlier one" }
          : { verdict: "mild", advice: "a late flight costs less than an hour: take a book" },
    },
  };
}

/** @param {readonly number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
