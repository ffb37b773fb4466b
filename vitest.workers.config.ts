import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig(async () => ({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        bindings: {
          MIGRATIONS: await readD1Migrations("migrations"),
          COORDINATOR_SHARDS: "2",
          WEIR_OPERATOR_KEY: "weir_test-operator-key",
          LOG_LEVEL: "error",
        },
      },
    }),
  ],
  test: { include: ["test/workers/**/*.test.ts"], setupFiles: ["test/workers/setup.ts"] },
}));
