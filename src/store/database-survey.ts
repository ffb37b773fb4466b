/** How large D1 is: its bytes and the rows of each table, without reading all of a large one. */

/** Rows that are counted of a table; D1 bills for what it reads. */
export const COUNTED_ROWS_MAX = 100_000;

/** What a D1 database may hold (developers.cloudflare.com/d1/platform/limits, paid plan). */
export const DATABASE_BYTES_MAX = 10_000_000_000;

export interface DatabaseSurvey {
  sizeBytes: number;
  tables: { name: string; rows: number; isMore: boolean }[];
}

/** Tables of D1 itself and of its migrations are left out. */
const OWN_TABLES = `SELECT name FROM sqlite_master WHERE type = 'table'
  AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'd1_migrations' ORDER BY name`;

export async function surveyDatabase(d1: D1Database): Promise<DatabaseSurvey> {
  const { results, meta } = await d1.prepare(OWN_TABLES).all<{ name: string }>();
  const counts = await d1.batch<{ rows: number }>(
    results.map(({ name }) =>
      d1
        .prepare(`SELECT count(*) AS rows FROM (SELECT 1 FROM "${name.replaceAll('"', '""')}" LIMIT ?)`)
        .bind(COUNTED_ROWS_MAX + 1),
    ),
  );
  return {
    sizeBytes: meta.size_after ?? 0,
    tables: results.map(({ name }, index) => {
      const rows = counts[index]?.results[0]?.rows ?? 0;
      return { name, rows: Math.min(rows, COUNTED_ROWS_MAX), isMore: rows > COUNTED_ROWS_MAX };
    }),
  };
}
