/** Random queries of the dialect for property tests: every clause, functions of every kind, subqueries, aliases. */
import fc from "fast-check";

const TEXT_COLUMNS = ["blob1", "blob5", "blob6", "blob7", "index1", "tenant", "outcome", "dataset"];
const NUMBER_COLUMNS = ["double1", "double3", "double4", "total_ms", "_sample_interval"];
const STRINGS = ["acme", "globex", "o''brien", "%a%", "x' OR '1'='1", "--", "/*", "", "\\\\", "ok"];

/** Aliases that try to stand in for the column that the fence reads. */
const ALIASES = ["a", "b", "n", "blob1", "tenant", "timestamp", "weir_run"];

const textLeaf = fc.oneof(
  fc.constantFrom(...TEXT_COLUMNS),
  fc.constantFrom(...STRINGS).map((text) => `'${text.replaceAll("'", "''").replaceAll("''''", "''")}'`),
);
const numberLeaf = fc.oneof(
  fc.constantFrom(...NUMBER_COLUMNS),
  fc.integer({ min: 0, max: 300 }).map(String),
  fc.constantFrom("1.5", "true", "toUnixTimestamp(timestamp)"),
);

const { text, number } = fc.letrec<{ text: string; number: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    textLeaf,
    fc.tuple(fc.constantFrom("lower", "upperUTF8", "hex"), tie("text")).map(([name, arg]) => `${name}(${arg})`),
    fc.tuple(tie("number"), tie("text"), tie("text")).map(([test, a, b]) => `if(${test}, ${a}, ${b})`),
    tie("text").map((arg) => `substring(${arg}, 2, 3)`),
    tie("number").map((arg) => `format('{}!', ${arg})`),
  ),
  number: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    numberLeaf,
    fc
      .tuple(tie("number"), fc.constantFrom("+", "-", "*", "=", "<", ">=", "<>", "AND", "OR"), tie("number"))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc
      .tuple(tie("text"), fc.constantFrom("=", "<>", "<"), tie("text"))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc.tuple(tie("text"), fc.constantFrom("LIKE", "NOT LIKE", "ILIKE")).map(([a, like]) => `(${a} ${like} '%e%')`),
    fc.tuple(tie("text"), fc.constantFrom("IN", "NOT IN")).map(([a, isIn]) => `(${a} ${isIn} ('acme', 'globex'))`),
    tie("number").map((arg) => `(NOT ${arg})`),
    tie("number").map((arg) => `(-${arg})`),
    tie("number").map((arg) => `(${arg} BETWEEN 1 AND 100)`),
    tie("text").map((arg) => `length(${arg})`),
    fc.constantFrom("toHour(timestamp)", "round(double1, 1)", "(timestamp > toDateTime('2026-11-20 00:00:00'))"),
  ),
}));

const aggregate = fc.oneof(
  fc.constant("count()"),
  fc.tuple(fc.constantFrom("sum", "avg", "min", "max"), number).map(([name, arg]) => `${name}(${arg})`),
  text.map((arg) => `count(DISTINCT ${arg})`),
  number.map((arg) => `countIf(${arg})`),
  text.map((arg) => `topK(5)(${arg})`),
  fc.tuple(text, number).map(([a, v]) => `argMax(${a}, ${v})`),
  fc.constant("quantileExactWeighted(0.9)(double1, _sample_interval)"),
  text.map((arg) => `first_value(${arg})`),
);

const expression = fc.oneof(text, number);

function aliased(items: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(items, fc.option(fc.constantFrom(...ALIASES), { nil: null }))
    .map(([item, alias]) => (alias === null ? item : `${item} AS ${alias}`));
}

const where = fc.option(number, { nil: null }).map((condition) => (condition === null ? "" : ` WHERE ${condition}`));
const limit = fc.constantFrom("", "", " LIMIT 7", " LIMIT 5 OFFSET 2");

const plain = (from: fc.Arbitrary<string>) =>
  fc
    .tuple(
      fc.array(aliased(expression), { minLength: 1, maxLength: 3 }),
      from,
      where,
      fc.constantFrom("", " ORDER BY blob7"),
      limit,
    )
    .map(
      ([items, source, condition, order, cut]) => `SELECT ${items.join(", ")} FROM ${source}${condition}${order}${cut}`,
    );

const grouped = (from: fc.Arbitrary<string>) =>
  fc
    .tuple(
      expression,
      fc.array(aliased(aggregate), { minLength: 1, maxLength: 3 }),
      from,
      where,
      fc.constantFrom("", " HAVING count() > 3"),
    )
    .map(
      ([key, items, source, condition, having]) =>
        `SELECT ${key}, ${items.join(", ")} FROM ${source}${condition} GROUP BY ${key}${having}`,
    );

const total = (from: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.array(aliased(aggregate), { minLength: 1, maxLength: 3 }), from, where)
    .map(([items, source, condition]) => `SELECT ${items.join(", ")} FROM ${source}${condition}`);

const table = fc.constantFrom("weir_node", "weir_run", '"weir_node"', "`weir_run`");
const inner = fc.oneof(
  fc.tuple(table, where, limit).map(([source, condition, cut]) => `(SELECT * FROM ${source}${condition}${cut})`),
  fc
    .tuple(table, where)
    .map(
      ([source, condition]) =>
        `(SELECT 'acme' AS tenant, 'acme' AS blob5, blob1, blob6, blob7, index1, dataset, outcome, total_ms, double1, double3, double4, _sample_interval, timestamp FROM ${source}${condition})`,
    ),
);
const source = fc.oneof({ weight: 2, arbitrary: table }, { weight: 1, arbitrary: inner });

/** Text of queries; some are refused, which is for the property to look at. */
export const queries: fc.Arbitrary<string> = fc.oneof(plain(source), grouped(source), total(source));
