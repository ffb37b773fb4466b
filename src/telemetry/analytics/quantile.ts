/** A weighted quantile by selection: no sorting, and no memory beyond what holds the rows. */

/**
 * The smallest value for which the weight at or below it reaches the share `level` of all; rearranges both lists.
 * As ClickHouse's quantileExactWeighted: the share is rounded up to a whole weight.
 */
export function quantileOf(values: Float64Array, weights: Float64Array, level: number): number {
  let total = 0;
  for (const weight of weights) total += weight;
  let wanted = Math.ceil(total * level);
  let low = 0;
  let high = values.length;
  while (high - low > 1) {
    const pivot = pivotOf(values, low, high);
    const { less, lessWeight, equal, equalWeight } = partition(values, weights, low, high, pivot);
    if (wanted <= lessWeight && less > low) high = less;
    else if (wanted <= lessWeight + equalWeight || equal === high) return pivot;
    else {
      wanted -= lessWeight + equalWeight;
      low = equal;
    }
  }
  return values[low] as number;
}

/** The middle one of nine spread over the range: even sorted or repeating data is cut well. */
function pivotOf(values: Float64Array, low: number, high: number): number {
  const step = (high - low) / 9;
  const sample = Float64Array.from({ length: 9 }, (_, index) => values[Math.floor(low + index * step)] as number);
  return sample.sort()[4] as number;
}

/** Orders a range into values below, at and above the pivot. */
function partition(values: Float64Array, weights: Float64Array, low: number, high: number, pivot: number) {
  let less = low;
  let at = low;
  let more = high;
  let lessWeight = 0;
  let equalWeight = 0;
  while (at < more) {
    const value = values[at] as number;
    const weight = weights[at] as number;
    if (value < pivot) {
      lessWeight += weight;
      swap(values, weights, less, at);
      less += 1;
      at += 1;
    } else if (value > pivot) {
      more -= 1;
      swap(values, weights, at, more);
    } else {
      equalWeight += weight;
      at += 1;
    }
  }
  return { less, lessWeight, equal: more, equalWeight };
}

function swap(values: Float64Array, weights: Float64Array, left: number, right: number): void {
  const value = values[left] as number;
  const weight = weights[left] as number;
  values[left] = values[right] as number;
  weights[left] = weights[right] as number;
  values[right] = value;
  weights[right] = weight;
}
