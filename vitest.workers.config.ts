import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { answerOutside } from "./test/workers/outside.ts";

// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig(async () => ({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        // Nothing leaves the machine.
        outboundService: answerOutside,
        bindings: {
          MIGRATIONS: await readD1Migrations("migrations"),
          WEIR_OPERATOR_KEY: "weir_test-operator-key",
          LOG_LEVEL: "error",
          WEIR_ANALYTICS: "local",
        },
      },
    }),
  ],
  test: {
    silent: "passed-only" as const,
    include: ["test/workers/**/*.test.ts"],
    setupFiles: ["test/workers/setup.ts"],
  },
}));
