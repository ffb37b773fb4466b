/** Types expressions: names to columns or aliases, calls to functions, aggregates to a list of their own. */
import { type AggregateFunction, aggregateFunction, type BoundAggregate } from "./aggregates.ts";
import type { Expression, ExpressionOf } from "./ast.ts";
import { scalarFunction } from "./functions.ts";
import { EXPRESSION_NODES_MAX } from "./limits.ts";
import { binary, choice, isIn, isLike, negation, not } from "./operators.ts";
import { REFUSED_FUNCTIONS } from "./refused.ts";
import { type Place, SqlError, shown } from "./sql-error.ts";
import { FLOAT64, literalType, STRING, UINT8 } from "./sql-types.ts";
import { type Column, callOf, columnOf, constantOf, type Typed } from "./typed.ts";

/** Where an expression stands: whether aggregates may, and which aliases are being filled in. */
interface Context {
  /** Null: aggregates are allowed; else what they are not allowed in. */
  noAggregates: string | null;
  filling: readonly string[];
}

export class ExpressionChecker {
  /** Aggregates in the order they were met; the same one twice is one. */
  readonly aggregates: BoundAggregate[] = [];
  readonly #columns: ReadonlyMap<string, { index: number; column: Column }>;
  readonly #aliases: ReadonlyMap<string, Expression>;
  readonly #nowSeconds: number;
  readonly #aggregateKeys = new Map<string, number>();
  #nodes = 0;

  constructor(columns: readonly Column[], aliases: ReadonlyMap<string, Expression>, nowSeconds: number) {
    this.#columns = new Map(columns.map((column, index) => [column.name, { index, column }]));
    this.#aliases = aliases;
    this.#nowSeconds = nowSeconds;
  }

  /** An expression over rows, in `clause`. */
  ofRows(expression: Expression, clause: string): Typed {
    return this.#check(expression, { noAggregates: clause, filling: [] });
  }

  /** An expression that may hold aggregates; `alias` is its own name, which means a column inside it. */
  ofGroups(expression: Expression, alias: string | null): Typed {
    return this.#check(expression, { noAggregates: null, filling: alias === null ? [] : [alias] });
  }

  #check(expression: Expression, context: Context): Typed {
    const { place } = expression;
    this.#nodes += 1;
    if (this.#nodes > EXPRESSION_NODES_MAX) {
      throw new SqlError(place, `the query has more than ${EXPRESSION_NODES_MAX} parts once its aliases are filled in`);
    }
    const part = (each: Expression) => this.#check(each, context);
    switch (expression.node) {
      case "number":
        return numberOf(expression.text, 1, place);
      case "text":
        return constantOf(expression.value, STRING, place);
      case "boolean":
        return constantOf(Number(expression.value), UINT8, place);
      case "interval":
        return constantOf(expression.count, { kind: "interval", unit: expression.unit }, place);
      case "name":
        return this.#name(expression.name, place, context);
      case "negate": {
        const { operand } = expression;
        return operand.node === "number" ? numberOf(operand.text, -1, place) : negation(part(operand), place);
      }
      case "not":
        return not(part(expression.operand), place);
      case "binary":
        return binary(expression.operator, part(expression.left), part(expression.right), place);
      case "in":
        return isIn(part(expression.operand), expression.list.map(part), expression.negated, place);
      case "between": {
        const operand = part(expression.operand);
        const within = binary(
          "AND",
          binary(">=", operand, part(expression.low), place),
          binary("<=", operand, part(expression.high), place),
          place,
        );
        return expression.negated ? not(within, place) : within;
      }
      case "like": {
        const { ignoreCase, negated } = expression;
        return isLike(part(expression.operand), part(expression.pattern), ignoreCase, negated, place);
      }
      case "call":
        return this.#call(expression, context);
    }
  }

  #name(name: string, place: Place, context: Context): Typed {
    const alias = this.#aliases.get(name);
    if (alias !== undefined && !context.filling.includes(name)) {
      return this.#check(alias, { ...context, filling: [...context.filling, name] });
    }
    const found = this.#columns.get(name);
    if (found !== undefined) return columnOf(found.index, found.column.type, place);
    const near = [...this.#columns.keys(), ...this.#aliases.keys()].find(
      (each) => each.toLowerCase() === name.toLowerCase(),
    );
    const hint = near === undefined ? "GET /api/v1/analytics/datasets lists them" : `did you mean ${near}?`;
    throw new SqlError(place, `there is no column "${shown(name)}" here: ${hint}`);
  }

  #call(expression: ExpressionOf<"call">, context: Context): Typed {
    const { name, place, args, parameters, distinct } = expression;
    const aggregate = aggregateFunction(name);
    if (aggregate !== null) return this.#aggregate(aggregate, expression, context);
    if (distinct) throw new SqlError(place, `${shown(name)} does not take DISTINCT`);
    if (parameters !== null) throw new SqlError(place, `${shown(name)} takes one pair of brackets`);
    const typed = args.map((arg) => this.#check(arg, context));
    if (name.toLowerCase() === "if") {
      checkCount("if(condition, then, otherwise)", place, typed.length, 3, 3);
      return choice(typed[0] as Typed, typed[1] as Typed, typed[2] as Typed, place);
    }
    const scalar = scalarFunction(name);
    if (scalar === null) {
      const instead = REFUSED_FUNCTIONS[name.toLowerCase()];
      throw new SqlError(place, `there is no function ${shown(name)}${instead === undefined ? "" : `: ${instead}`}`);
    }
    checkCount(scalar.usage, place, typed.length, scalar.least, scalar.most);
    const { type, apply } = scalar.check({ name: scalar.name, place, args: typed, nowSeconds: this.#nowSeconds });
    return callOf(scalar.name, place, typed, { type, apply, mayFail: scalar.mayFail ?? false });
  }

  #aggregate(found: AggregateFunction, expression: ExpressionOf<"call">, context: Context): Typed {
    const { place, args, parameters, distinct } = expression;
    if (context.noAggregates !== null) {
      const instead = context.noAggregates === "WHERE" ? ": filter groups with HAVING" : "";
      throw new SqlError(place, `${found.name} is an aggregate and cannot stand in ${context.noAggregates}${instead}`);
    }
    if (distinct && found.distinct !== true) throw new SqlError(place, `${found.name} does not take DISTINCT`);
    checkCount(found.usage, place, args.length, ...found.args);
    checkCount(found.usage, place, parameters?.length ?? 0, ...found.parameters);
    const inside = { ...context, noAggregates: `another aggregate` };
    const typedArgs = args.map((arg) => this.#check(arg, inside));
    const typedParameters = (parameters ?? []).map((parameter) => this.#check(parameter, inside));
    const bound = found.check({ name: found.name, place, args: typedArgs, parameters: typedParameters, distinct });
    const keys = [typedParameters, typedArgs].map((list) => list.map(({ key }) => key).join(","));
    const key = `${found.name}${distinct ? " distinct" : ""}(${keys.join(")(")})`;
    let index = this.#aggregateKeys.get(key);
    if (index === undefined) {
      index = this.aggregates.push(bound) - 1;
      this.#aggregateKeys.set(key, index);
    }
    return { node: "aggregate", index, type: bound.type, place, key };
  }
}

function checkCount(usage: string, place: Place, count: number, least: number, most: number): void {
  if (count < least || count > most) throw new SqlError(place, `write ${usage}`);
}

function numberOf(text: string, sign: 1 | -1, place: Place): Typed {
  const value = sign * Number(text);
  if (!/^\d+$/.test(text)) {
    if (!Number.isFinite(value)) throw new SqlError(place, `${shown(text)} is too large for a number`);
    return constantOf(value, FLOAT64, place);
  }
  if (!Number.isSafeInteger(value)) {
    throw new SqlError(place, `whole numbers go up to ${Number.MAX_SAFE_INTEGER}: write ${shown(text)}.0`);
  }
  return constantOf(value + 0, literalType(value), place);
}
