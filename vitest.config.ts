import { defineConfig } from "vitest/config";

// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    // Fast tests: pure code and Node alone. Those in workerd and end to end have configurations of their own.
    include: ["test/**/*.test.ts"],
    // Properties and simulations run long on a busy machine; no test asserts how long.
    testTimeout: 60_000,
    exclude: ["test/workers/**", "test/e2e/**"],
  },
});
