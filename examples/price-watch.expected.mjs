/** The result of `price-watch.json`, worked out straight from the dataset: what a run of it must give. */

/**
 * @param {readonly { symbol: string, price: number }[]} stocks
 * @param {readonly { symbol: string, above: number }[]} watch
 */
export function expectedOutputs(stocks, watch) {
  const latest = watch.map(({ symbol, above }) => {
    const price = stocks.findLast((row) => row.symbol === symbol)?.price ?? 0;
    return { symbol, above, price };
  });
  return { risen: latest.filter(({ price, above }) => price > above) };
}
