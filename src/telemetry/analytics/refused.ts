/** What SQL elsewhere has and Analytics Engine has not, with what to write instead. */

/** By keyword, where a clause or an expression begins. */
export const REFUSED_WORDS: Readonly<Record<string, string>> = {
  CASE: "write if(condition, then, otherwise)",
  CAST: "write toUInt32(x), toUInt8(x) or toDateTime(x)",
  UNION: "a query reads one dataset: send two queries",
  INTERSECT: "a query reads one dataset: send two queries",
  EXCEPT: "a query reads one dataset: send two queries",
  JOIN: "a query reads one dataset: every point carries what it needs in its own columns",
  INNER: "a query reads one dataset: every point carries what it needs in its own columns",
  LEFT: "a query reads one dataset: every point carries what it needs in its own columns",
  RIGHT: "a query reads one dataset: every point carries what it needs in its own columns",
  FULL: "a query reads one dataset: every point carries what it needs in its own columns",
  CROSS: "a query reads one dataset: every point carries what it needs in its own columns",
  ARRAY: "there are no arrays but what topK gives",
  WITH: "write the subquery into FROM (…)",
  OVER: "there are no window functions: GROUP BY and order the answer",
  WINDOW: "there are no window functions: GROUP BY and order the answer",
  DISTINCT: "write GROUP BY with the same expressions",
  NULL: "columns that were not written hold '' or 0: compare with that",
  IS: "columns that were not written hold '' or 0: compare with that",
  EXISTS: "a subquery may stand only in FROM (…)",
  PREWHERE: "write WHERE",
  SAMPLE: "every row carries _sample_interval: weigh by it",
  FINAL: "leave it out",
  QUALIFY: "write a subquery in FROM (…) and filter its result",
  SETTINGS: "leave it out",
  FETCH: "write LIMIT n",
  TOP: "write LIMIT n",
  INTO: "the answer is the response",
};

/** Statements that change something or look around. */
export const REFUSED_STATEMENTS: ReadonlySet<string> = new Set(
  (
    "INSERT UPDATE DELETE REPLACE MERGE CREATE ALTER DROP TRUNCATE RENAME ATTACH DETACH PRAGMA VACUUM ANALYZE REINDEX " +
    "BEGIN COMMIT ROLLBACK SAVEPOINT RELEASE SET USE EXPLAIN DESCRIBE DESC GRANT REVOKE CALL EXEC EXECUTE OPTIMIZE " +
    "SYSTEM KILL COPY LOAD IMPORT EXPORT VALUES TABLE"
  ).split(" "),
);

/** Functions of ClickHouse and others that are often reached for, in lower case. */
export const REFUSED_FUNCTIONS: Readonly<Record<string, string>> = {
  multiif: "write if(a, x, if(b, y, z))",
  nullif: "write if(a = b, '', a)",
  coalesce: "write if(a = '', b, a)",
  ifnull: "columns that were not written hold '' or 0",
  tostring: "write format('{}', x)",
  concat: "write format('{}{}', a, b)",
  uniq: "write count(DISTINCT x)",
  uniqexact: "write count(DISTINCT x)",
  groupuniqarray: "write topK(n)(x)",
  grouparray: "write topK(n)(x)",
  quantile: "write quantileExactWeighted(q)(x, _sample_interval)",
  quantileexact: "write quantileExactWeighted(q)(x, _sample_interval)",
  median: "write quantileExactWeighted(0.5)(x, _sample_interval)",
  any: "write first_value(x)",
  anylast: "write last_value(x)",
  date_trunc: "write toStartOfInterval(timestamp, INTERVAL '1' HOUR)",
  datetrunc: "write toStartOfInterval(timestamp, INTERVAL '1' HOUR)",
  datediff: "write toUnixTimestamp(b) - toUnixTimestamp(a)",
  todate: "write toStartOfDay(x)",
  like: "write x LIKE 'pattern'",
  match: "write x LIKE 'pattern'",
  abs: "write if(x < 0, -x, x)",
  greatest: "write if(a > b, a, b)",
  least: "write if(a < b, a, b)",
};
