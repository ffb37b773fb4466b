import { defineConfig } from "vitest/config";

// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    include: ["test/simulation/**/*.test.ts"],
    // Tests start processes that use a core each: as many at once as there are cores, whatever the file.
    fileParallelism: false,
    maxConcurrency: 2,
    testTimeout: 300_000,
  },
});
