/** A graph of twelve nodes that uses every part of the main path: two HTTP nodes, a branch, joins, transforms. */

/** `host`: where the two HTTP nodes call. The run takes `inputs.n` and gives `expectedOutputs(n)`. */
export function twelveNodes(host: string): object {
  const transform = (id: string, expression: string) => ({ id, type: "transform", config: { expression } });
  const http = (id: string, method: string) => ({
    id,
    type: "http",
    config: { url: `http://${host}/${id}/\${$inputs.n}`, method },
    retry: { max_attempts: 5, backoff_ms: 50 },
    timeout_ms: 10_000,
  });
  return {
    nodes: [
      { id: "start", type: "parallel" },
      http("left", "GET"),
      http("right", "POST"),
      transform("left_path", "output.body.path"),
      transform("right_path", "output.body.path"),
      transform("joined", "[output.left_path, output.right_path]"),
      { id: "is_even", type: "conditional", config: { condition: "inputs.n % 2 == 0" } },
      transform("even", "'even'"),
      transform("odd", "'odd'"),
      { id: "numbers", type: "filter", config: { from: [1, 2, 3, 4], condition: "item > 2.0" } },
      { id: "total", type: "aggregate", config: { operation: "sum" } },
      transform(
        "report",
        "{'paths': nodes.joined, 'total': output.total, 'parity': nodes.even != null ? 'even' : 'odd'}",
      ),
    ],
    edges: [
      { from: "start", to: "left" },
      { from: "start", to: "right" },
      { from: "left", to: "left_path" },
      { from: "right", to: "right_path" },
      { from: "left_path", to: "joined" },
      { from: "right_path", to: "joined" },
      { from: "joined", to: "is_even" },
      { from: "is_even", to: "even", branch: "if" },
      { from: "is_even", to: "odd", branch: "else" },
      { from: "start", to: "numbers" },
      { from: "numbers", to: "total" },
      { from: "even", to: "report" },
      { from: "odd", to: "report" },
      { from: "total", to: "report" },
    ],
  };
}

export function expectedOutputs(n: number): object {
  return { report: { paths: [`/left/${n}`, `/right/${n}`], total: 7, parity: n % 2 === 0 ? "even" : "odd" } };
}
