/** Bounds of a query and of what answers it. Each has a test at its edge. */

/** Characters of a query. */
export const SQL_LENGTH_MAX = 65_536;

/** Expressions within expressions. */
export const SQL_DEPTH_MAX = 64;

/** Subqueries within subqueries. */
export const SUBQUERY_DEPTH_MAX = 8;

/** Nodes of all expressions once aliases stand for what they name: aliases of aliases grow without being long. */
export const EXPRESSION_NODES_MAX = 10_000;

/** Columns of a result, and expressions of GROUP BY and ORDER BY. */
export const SELECT_COLUMNS_MAX = 200;

/** Groups that one GROUP BY may make. */
export const GROUPS_MAX = 1_000_000;

/** Rows of an answer; a query without LIMIT that would give more is refused, never cut in silence. */
export const RESULT_ROWS_MAX = 50_000;

/** Characters of an answer, which travels between objects in one message. */
export const RESULT_LENGTH_MAX = 16_000_000;

/** Rows read times parts of expressions evaluated on them. */
export const QUERY_WORK_MAX = 400_000_000;

/** Values that one query keeps in memory: of quantiles, distinct values and the most frequent ones. */
export const KEPT_VALUES_MAX = 8_000_000;

/** Milliseconds that a query may take. */
export const QUERY_MS_MAX = 10_000;

/** N of topK. */
export const TOP_K_MAX = 1_000;

/** Units of an INTERVAL. */
export const INTERVAL_MAX = 1_000_000;
