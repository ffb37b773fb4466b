import { defineConfig } from "drizzle-kit";

// biome-ignore lint/style/noDefaultExport: drizzle-kit reads the default export.
export default defineConfig({
  dialect: "sqlite",
  driver: "d1-http",
  schema: ["./src/store/database-schema.ts", "./src/store/agent-tables.ts"],
  out: "./migrations",
});
