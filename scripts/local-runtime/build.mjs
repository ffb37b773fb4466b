/** Bundles the Worker for workerd, in memory: nothing is cached, so nothing can be stale. */
import path from "node:path";
import * as esbuild from "esbuild";

/**
 * @typedef {{ path: string, type: "esm" | "wasm", contents: string | Uint8Array }} WorkerModule
 * @typedef {WorkerModule[]} WorkerModules The main module comes first.
 */

const MAIN_MODULE = "index.mjs";

/** @param {string} root @param {string} main @returns {esbuild.BuildOptions & { write: false }} */
function buildOptions(root, main) {
  return {
    absWorkingDir: root,
    entryPoints: [main],
    outfile: path.join(root, "dist", MAIN_MODULE),
    write: false,
    bundle: true,
    format: "esm",
    target: "es2024",
    platform: "neutral",
    // As wrangler does for a deployment, so that both run the same code of every package.
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["browser", "module", "main"],
    external: ["cloudflare:*", "node:*"],
    define: { "process.env.NODE_ENV": '"production"', "navigator.userAgent": '"Cloudflare-Workers"' },
    loader: { ".sql": "text", ".txt": "text", ".html": "text" },
    // Durable Object classes and error names are looked up by name.
    keepNames: true,
    sourcemap: "inline",
    sourcesContent: false,
    logLevel: "silent",
    plugins: [keepWasmApart],
  };
}

/** workerd compiles WebAssembly only from a module of its own, never from bytes inside JavaScript. */
const keepWasmApart = /** @type {esbuild.Plugin} */ ({
  name: "keep-wasm-apart",
  setup(build) {
    build.initialOptions.loader = { ...build.initialOptions.loader, ".wasm": "copy" };
    build.initialOptions.assetNames = "[name]-[hash]";
  },
});

/** @param {esbuild.BuildResult<{ write: false }>} result @returns {WorkerModules} */
function modulesOf(result) {
  const modules = result.outputFiles.map((file) => {
    const name = path.basename(file.path);
    return name.endsWith(".wasm")
      ? { path: name, type: /** @type {const} */ ("wasm"), contents: file.contents }
      : { path: name, type: /** @type {const} */ ("esm"), contents: file.text };
  });
  return modules.sort((left, right) => Number(right.path === MAIN_MODULE) - Number(left.path === MAIN_MODULE));
}

/**
 * Builds once.
 * @param {string} root
 * @param {string} main
 * @returns {Promise<WorkerModules>} Rejects with a BuildFailure that `describeBuildFailure` can word.
 */
export async function buildWorker(root, main) {
  try {
    return modulesOf(await esbuild.build(buildOptions(root, main)));
  } finally {
    // Else its process stays for as long as we do.
    await esbuild.stop();
  }
}

/**
 * Builds again on every change of a source, and hands over what came out.
 * @param {string} root
 * @param {string} main
 * @param {{ built(modules: WorkerModules): void, failed(error: unknown): void }} handlers
 * @returns {Promise<() => Promise<void>>} Ends the watch.
 */
export async function watchWorker(root, main, handlers) {
  const options = buildOptions(root, main);
  const context = await esbuild.context({
    ...options,
    plugins: [
      ...(options.plugins ?? []),
      {
        name: "hand-over",
        setup(build) {
          build.onEnd((result) => {
            if (result.errors.length > 0) handlers.failed(result);
            else handlers.built(modulesOf(/** @type {esbuild.BuildResult<{ write: false }>} */ (result)));
          });
        },
      },
    ],
  });
  await context.watch();
  return () => context.dispose();
}

/** esbuild's errors with file, line and the code, or null for anything else. @param {unknown} error */
export function describeBuildFailure(error) {
  const messages = /** @type {{ errors?: unknown } | null} */ (error)?.errors;
  if (!Array.isArray(messages) || messages.length === 0) return null;
  return esbuild.formatMessagesSync(messages, { kind: "error", color: false }).join("").trimEnd();
}
