/** Statements: SELECT with its clauses, and SHOW. Anything else is refused with what to write instead. */
import {
  type Expression,
  FORMATS,
  type Format,
  type OrderItem,
  type Select,
  type SelectItem,
  type Source,
  type Statement,
} from "./ast.ts";
import { tokenize } from "./lexer.ts";
import { SELECT_COLUMNS_MAX, SUBQUERY_DEPTH_MAX } from "./limits.ts";
import { ExpressionParser, RESERVED } from "./parse-expression.ts";
import { REFUSED_STATEMENTS } from "./refused.ts";
import { SqlError } from "./sql-error.ts";
import { TokenReader } from "./token-reader.ts";

/** The statement; throws an SqlError that names the place. */
export function parseSql(sql: string): Statement {
  return new StatementParser(new TokenReader(tokenize(sql))).statement();
}

class StatementParser {
  readonly #tokens: TokenReader;
  readonly #expressions: ExpressionParser;
  #depth = 0;

  constructor(tokens: TokenReader) {
    this.#tokens = tokens;
    this.#expressions = new ExpressionParser(tokens);
  }

  statement(): Statement {
    const tokens = this.#tokens;
    const { place } = tokens;
    if (tokens.word("SHOW")) {
      const what = (["TABLES", "TIMEZONES", "TIMEZONE"] as const).find((each) => tokens.word(each));
      if (what === undefined) return tokens.fail("TABLES, TIMEZONES or TIMEZONE");
      const format = this.#format();
      this.#end();
      return { node: "show", what, format, place };
    }
    this.#refuseStatement();
    const select = this.#select();
    const format = this.#format();
    this.#end();
    return { ...select, format };
  }

  #refuseStatement(): void {
    const token = this.#tokens.peek();
    const word = token.text.toUpperCase();
    if (token.kind === "word" && REFUSED_STATEMENTS.has(word)) {
      throw new SqlError(
        token.place,
        `${word} is not allowed: a query begins with SELECT or SHOW, and changes nothing`,
      );
    }
  }

  #end(): void {
    const tokens = this.#tokens;
    const hadSemicolon = tokens.symbol(";");
    if (tokens.peek().kind === "end") return;
    if (hadSemicolon) throw new SqlError(tokens.place, "one statement a request: something follows the semicolon");
    tokens.fail("the end of the query");
  }

  #format(): Format {
    const tokens = this.#tokens;
    if (!tokens.word("FORMAT")) return "JSON";
    const format = FORMATS.find((each) => tokens.isWord(each.toUpperCase()));
    if (format === undefined) return tokens.fail(`one of ${FORMATS.join(", ")}`);
    tokens.next();
    return format;
  }

  #select(): Select {
    const tokens = this.#tokens;
    const { place } = tokens;
    if (!tokens.word("SELECT")) tokens.fail("SELECT or SHOW");
    const items = this.#items();
    const from = tokens.word("FROM") ? this.#source() : null;
    const where = tokens.word("WHERE") ? this.#expressions.parse() : null;
    const groupBy = tokens.isWord("GROUP") ? this.#groupBy() : [];
    const having = tokens.word("HAVING") ? this.#expressions.parse() : null;
    const orderBy = tokens.isWord("ORDER") ? this.#orderBy() : [];
    let limit: number | null = null;
    let offset = 0;
    if (tokens.word("LIMIT") && !tokens.word("ALL")) {
      limit = this.#count("LIMIT");
      if (tokens.isSymbol(",")) throw new SqlError(tokens.place, "write LIMIT n OFFSET m");
      if (tokens.isWord("BY")) throw new SqlError(tokens.place, "LIMIT … BY is not part of Analytics Engine's SQL");
    }
    if (tokens.word("OFFSET")) offset = this.#count("OFFSET");
    return { node: "select", items, from, where, groupBy, having, orderBy, limit, offset, place };
  }

  #items(): SelectItem[] | null {
    const tokens = this.#tokens;
    if (tokens.symbol("*")) {
      if (tokens.isSymbol(",")) throw new SqlError(tokens.place, "* stands alone: it is every column");
      return null;
    }
    const items: SelectItem[] = [];
    do {
      const { place } = tokens;
      if (tokens.isSymbol("*")) throw new SqlError(place, "* stands alone: it is every column");
      const expression = this.#expressions.parse();
      items.push({ expression, alias: this.#alias(), place });
      if (items.length > SELECT_COLUMNS_MAX) {
        throw new SqlError(place, `a result may have at most ${SELECT_COLUMNS_MAX} columns`);
      }
    } while (tokens.symbol(","));
    return items;
  }

  #alias(): string | null {
    const tokens = this.#tokens;
    const hasAs = tokens.word("AS");
    const token = tokens.peek();
    if (token.kind === "quoted" || (token.kind === "word" && !RESERVED.has(token.text.toUpperCase()))) {
      if (!/^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(token.text)) {
        throw new SqlError(token.place, "an alias is made of letters, digits and _, at most 100 of them");
      }
      if (RESERVED.has(token.text.toUpperCase()))
        throw new SqlError(token.place, `${token.text} means something else in SQL`);
      return tokens.next().text;
    }
    return hasAs ? tokens.fail("a name after AS") : null;
  }

  #source(): Source {
    const tokens = this.#tokens;
    const { place } = tokens;
    if (tokens.symbol("(")) {
      this.#depth += 1;
      if (this.#depth > SUBQUERY_DEPTH_MAX) {
        throw new SqlError(place, `subqueries are nested deeper than ${SUBQUERY_DEPTH_MAX}`);
      }
      const select = this.#select();
      tokens.expectSymbol(")");
      this.#depth -= 1;
      this.#noAlias("a subquery");
      return { node: "subquery", select, place };
    }
    const token = tokens.peek();
    const isName = token.kind === "quoted" || (token.kind === "word" && !RESERVED.has(token.text.toUpperCase()));
    if (!isName) return tokens.fail("the name of a dataset or (SELECT …)");
    tokens.next();
    if (tokens.isSymbol(".")) throw new SqlError(tokens.place, "write the dataset alone, without a schema");
    if (tokens.isSymbol("("))
      throw new SqlError(place, `"${token.text}" is not a dataset: there are no table functions`);
    if (tokens.isSymbol(",")) throw new SqlError(tokens.place, "a query reads one dataset: send two queries");
    this.#noAlias("a dataset");
    return { node: "table", name: token.text, place };
  }

  #noAlias(what: string): void {
    const tokens = this.#tokens;
    const { place, kind, text } = tokens.peek();
    if (tokens.isWord("AS") || (kind === "word" && !RESERVED.has(text.toUpperCase())) || kind === "quoted") {
      throw new SqlError(place, `${what} needs no other name: columns are written without one before them`);
    }
  }

  #groupBy(): Expression[] {
    this.#tokens.next();
    this.#tokens.expectWord("BY");
    const keys: Expression[] = [];
    do keys.push(this.#expressions.parse());
    while (this.#tokens.symbol(","));
    return this.#bounded(keys, "GROUP BY");
  }

  #orderBy(): OrderItem[] {
    const tokens = this.#tokens;
    tokens.next();
    tokens.expectWord("BY");
    const items: OrderItem[] = [];
    do {
      const { place } = tokens;
      const expression = this.#expressions.parse();
      const descending = !tokens.word("ASC") && tokens.word("DESC");
      items.push({ expression, descending, place });
    } while (tokens.symbol(","));
    return this.#bounded(items, "ORDER BY");
  }

  #bounded<Item>(items: Item[], clause: string): Item[] {
    if (items.length <= SELECT_COLUMNS_MAX) return items;
    throw new SqlError(this.#tokens.place, `${clause} may have at most ${SELECT_COLUMNS_MAX} expressions`);
  }

  #count(clause: string): number {
    const token = this.#tokens.peek();
    if (token.kind !== "number" || !/^\d{1,15}$/.test(token.text)) {
      return this.#tokens.fail(`a whole number after ${clause}`);
    }
    this.#tokens.next();
    return Number(token.text);
  }
}
