/** The tables of a Durable Object, brought up to date when it wakes. What they are is each object's own. */

/** Runs the migrations that the object has not had yet, all or none. They are only ever added to. */
export function migrateTables(storage: DurableObjectStorage, migrations: readonly string[]): void {
  const { sql } = storage;
  storage.transactionSync(() => {
    sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
    const version = sql.exec<{ version: number }>("SELECT version FROM schema_version").toArray()[0]?.version ?? 0;
    if (version === migrations.length) return;
    for (const migration of migrations.slice(version)) sql.exec(migration);
    sql.exec("DELETE FROM schema_version");
    sql.exec("INSERT INTO schema_version VALUES (?)", migrations.length);
  });
}
