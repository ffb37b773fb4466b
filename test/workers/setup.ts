/** Before each file: the tables of D1, as `wrangler d1 migrations apply` would make them. */
import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";

await applyD1Migrations(env.DB, env.MIGRATIONS);
