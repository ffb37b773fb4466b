import { defineConfig } from "vitest/config";

// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    // Fast tests: pure code and Node alone. Those in workerd and end to end have configurations of their own.
    include: ["test/**/*.test.ts"],
    exclude: ["test/workers/**", "test/e2e/**"],
  },
});
