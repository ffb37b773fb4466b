/** Expressions by precedence: OR, AND, NOT, comparisons, + and -, * / and %, unary minus, what stands alone. */
import { type BinaryOperator, type Expression, INTERVAL_UNITS, type IntervalUnit } from "./ast.ts";
import { INTERVAL_MAX, SQL_DEPTH_MAX } from "./limits.ts";
import { type Place, SqlError } from "./sql-error.ts";
import type { TokenReader } from "./token-reader.ts";

/** Operators in a row, such as a AND b AND …: each makes the tree one deeper. */
const CHAIN_MAX = 1_000;

/** Words that end an expression, so that none of them is taken for a name. */
export const RESERVED: ReadonlySet<string> = new Set(
  (
    "SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET FORMAT AS ASC DESC AND OR NOT IN BETWEEN LIKE ILIKE CASE WHEN " +
    "THEN ELSE END NULL IS UNION ALL JOIN INNER LEFT RIGHT FULL CROSS ON USING WITH OVER WINDOW INTERVAL DISTINCT " +
    "PREWHERE SAMPLE FINAL SETTINGS INTERSECT EXCEPT EXISTS CAST QUALIFY FETCH INTO ARRAY TRUE FALSE"
  ).split(" "),
);

const COMPARISONS: Readonly<Record<string, BinaryOperator>> = {
  "=": "=",
  "<>": "<>",
  "!=": "<>",
  "<": "<",
  ">": ">",
  "<=": "<=",
  ">=": ">=",
};

const INSTEAD_OF: Readonly<Record<string, string>> = {
  "||": "write format('{}{}', a, b)",
  "::": "write toUInt32(x), toUInt8(x) or toDateTime(x)",
  "->": "there are no lambdas and no JSON paths",
  "?": "write if(condition, then, otherwise)",
  "[": "there are no arrays but what topK gives",
};

export class ExpressionParser {
  readonly #tokens: TokenReader;
  #depth = 0;

  constructor(tokens: TokenReader) {
    this.#tokens = tokens;
  }

  parse(): Expression {
    this.#depth += 1;
    if (this.#depth > SQL_DEPTH_MAX) {
      throw new SqlError(this.#tokens.place, `expressions are nested deeper than ${SQL_DEPTH_MAX}`);
    }
    const expression = this.#chain(["OR"], () => this.#chain(["AND"], () => this.#not()));
    this.#refuseOperator();
    this.#depth -= 1;
    return expression;
  }

  list(close = ")"): Expression[] {
    const tokens = this.#tokens;
    const items: Expression[] = [];
    if (tokens.symbol(close)) return items;
    do items.push(this.parse());
    while (tokens.symbol(","));
    tokens.expectSymbol(close);
    return items;
  }

  #refuseOperator(): void {
    const token = this.#tokens.peek();
    const instead = token.kind === "symbol" ? INSTEAD_OF[token.text] : undefined;
    if (instead !== undefined) {
      throw new SqlError(token.place, `"${token.text}" is not part of Analytics Engine's SQL: ${instead}`);
    }
  }

  /** Operators of one precedence, from left to right. */
  #chain(operators: readonly BinaryOperator[], operand: () => Expression): Expression {
    let left = operand();
    for (let length = 1; ; length++) {
      const token = this.#tokens.peek();
      const operator = operators.find((each) =>
        token.kind === "word" ? this.#tokens.isWord(each) : this.#tokens.isSymbol(each),
      );
      if (operator === undefined) return left;
      if (length > CHAIN_MAX) {
        throw new SqlError(token.place, `more than ${CHAIN_MAX} operators in a row: write x IN (a, b, …)`);
      }
      this.#tokens.next();
      left = { node: "binary", operator, left, right: operand(), place: token.place };
    }
  }

  #not(): Expression {
    const { place } = this.#tokens;
    if (!this.#tokens.word("NOT")) return this.#comparison();
    return this.#deeper(() => ({ node: "not", operand: this.#not(), place }));
  }

  #deeper(parse: () => Expression): Expression {
    this.#depth += 1;
    if (this.#depth > SQL_DEPTH_MAX) {
      throw new SqlError(this.#tokens.place, `expressions are nested deeper than ${SQL_DEPTH_MAX}`);
    }
    const expression = parse();
    this.#depth -= 1;
    return expression;
  }

  #comparison(): Expression {
    const tokens = this.#tokens;
    let left = this.#sum();
    for (;;) {
      const { place } = tokens;
      const token = tokens.peek();
      const operator = token.kind === "symbol" ? COMPARISONS[token.text] : undefined;
      if (operator !== undefined) {
        if (left.node === "binary" && Object.values(COMPARISONS).includes(left.operator) && left.place.offset > 0) {
          this.#refuseChain(left, place);
        }
        tokens.next();
        left = { node: "binary", operator, left, right: this.#sum(), place };
        continue;
      }
      const negated = tokens.isWord("NOT") && ["IN", "BETWEEN", "LIKE", "ILIKE"].some((word) => tokens.isWord(word, 1));
      if (negated) tokens.next();
      if (tokens.word("IN")) left = this.#in(left, negated, place);
      else if (tokens.word("BETWEEN")) {
        const low = this.#sum();
        tokens.expectWord("AND");
        left = { node: "between", operand: left, low, high: this.#sum(), negated, place };
      } else if (tokens.isWord("LIKE") || tokens.isWord("ILIKE")) {
        const ignoreCase = tokens.next().text.toUpperCase() === "ILIKE";
        left = { node: "like", operand: left, pattern: this.#sum(), ignoreCase, negated, place };
      } else return left;
    }
  }

  /** a = b = c compares a truth value with c, which nobody means. */
  #refuseChain(left: Expression, place: Place): void {
    if (this.#parenthesised.has(left)) return;
    throw new SqlError(place, "comparisons cannot stand in a row: join them with AND, or put one in brackets");
  }

  readonly #parenthesised = new WeakSet<Expression>();

  #in(operand: Expression, negated: boolean, place: Place): Expression {
    const tokens = this.#tokens;
    tokens.expectSymbol("(");
    if (tokens.isWord("SELECT")) {
      throw new SqlError(tokens.place, "a subquery may stand only in FROM (…): list the values of IN");
    }
    const list = this.list();
    if (list.length === 0) throw new SqlError(place, "IN () is never true: list at least one value");
    return { node: "in", operand, list, negated, place };
  }

  #sum(): Expression {
    return this.#chain(["+", "-"], () => this.#chain(["*", "/", "%"], () => this.#unary()));
  }

  #unary(): Expression {
    const { place } = this.#tokens;
    if (this.#tokens.symbol("-")) return this.#deeper(() => ({ node: "negate", operand: this.#unary(), place }));
    if (this.#tokens.symbol("+")) return this.#deeper(() => this.#unary());
    return this.#primary();
  }

  #primary(): Expression {
    const tokens = this.#tokens;
    const { place } = tokens;
    const token = tokens.peek();
    if (token.kind === "number") return { node: "number", text: tokens.next().text, place };
    if (token.kind === "text") return { node: "text", value: tokens.next().text, place };
    if (token.kind === "quoted") return { node: "name", name: tokens.next().text, place };
    if (tokens.symbol("(")) {
      if (tokens.isWord("SELECT")) throw new SqlError(tokens.place, "a subquery may stand only in FROM (…)");
      const inner = this.parse();
      if (tokens.isSymbol(",")) throw new SqlError(tokens.place, "there are no tuples: compare column by column");
      tokens.expectSymbol(")");
      this.#parenthesised.add(inner);
      return inner;
    }
    if (token.kind !== "word") return tokens.fail("an expression");
    if (tokens.isWord("TRUE") || tokens.isWord("FALSE")) {
      return { node: "boolean", value: tokens.next().text.toUpperCase() === "TRUE", place };
    }
    if (tokens.isWord("INTERVAL")) return this.#interval();
    // FORMAT is a clause and a function.
    const isReserved = RESERVED.has(token.text.toUpperCase());
    if (tokens.isSymbol("(", 1) && (!isReserved || tokens.isWord("FORMAT"))) return this.#call();
    if (isReserved) return tokens.fail("an expression");
    tokens.next();
    if (tokens.isSymbol(".")) {
      throw new SqlError(place, "a query reads one dataset: write the column without what stands before the dot");
    }
    return { node: "name", name: token.text, place };
  }

  #interval(): Expression {
    const tokens = this.#tokens;
    const { place } = tokens.next();
    const count = tokens.peek();
    if (count.kind === "number") {
      throw new SqlError(count.place, `the number of an interval is quoted: INTERVAL '${count.text}' HOUR`);
    }
    if (count.kind !== "text" || !/^-?\d{1,7}$/.test(count.text) || Math.abs(Number(count.text)) > INTERVAL_MAX) {
      throw new SqlError(count.place, `an interval is written INTERVAL '1' HOUR, with at most ${INTERVAL_MAX} units`);
    }
    tokens.next();
    return { node: "interval", count: Number(count.text), unit: this.#unit(), place };
  }

  #unit(): IntervalUnit {
    const unit = INTERVAL_UNITS.find((each) => this.#tokens.isWord(each));
    if (unit === undefined) return this.#tokens.fail(`one of ${INTERVAL_UNITS.join(", ")}`);
    this.#tokens.next();
    return unit;
  }

  #call(): Expression {
    const tokens = this.#tokens;
    const { text: name, place } = tokens.next();
    tokens.expectSymbol("(");
    const lower = name.toLowerCase();
    if (lower === "extract") {
      const unitPlace = tokens.place;
      const unit = this.#unit();
      tokens.expectWord("FROM");
      const moment = this.parse();
      tokens.expectSymbol(")");
      const args: Expression[] = [{ node: "text", value: unit, place: unitPlace }, moment];
      return { node: "call", name, parameters: null, distinct: false, args, place };
    }
    if (lower === "position") {
      const needle = this.#deeper(() => this.#sum());
      if (tokens.isSymbol(",")) throw new SqlError(tokens.place, "write position(needle IN haystack)");
      tokens.expectWord("IN");
      const args = [needle, this.parse()];
      tokens.expectSymbol(")");
      return { node: "call", name, parameters: null, distinct: false, args, place };
    }
    const first = this.#arguments(lower);
    if (!tokens.symbol("(")) return { node: "call", name, parameters: null, ...first, place };
    if (first.distinct) throw new SqlError(place, "DISTINCT stands in the second pair of brackets");
    return { node: "call", name, parameters: first.args, ...this.#arguments(lower), place };
  }

  #arguments(name: string): { distinct: boolean; args: Expression[] } {
    const tokens = this.#tokens;
    // count(*) is another way to write count().
    if (name === "count" && tokens.isSymbol("*") && tokens.isSymbol(")", 1)) {
      tokens.next();
      tokens.next();
      return { distinct: false, args: [] };
    }
    const distinct = tokens.word("DISTINCT");
    return { distinct, args: this.list() };
  }
}
