import { defineConfig } from "vitest/config";

// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    // Fast tests: pure code and Node alone. Those in workerd, end to end and in simulation have their own.
    include: ["test/**/*.test.ts"],
    // Properties run long on a busy machine; no test asserts how long.
    testTimeout: 60_000,
    exclude: ["test/workers/**", "test/e2e/**", "test/simulation/**"],
  },
});
