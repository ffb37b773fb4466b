/**
 * Turns wrangler.toml into what Miniflare runs. wrangler itself reads the file, so no binding is declared twice; only
 * what must differ on a laptop is changed here.
 */
import path from "node:path";
import { convertV4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";

/**
 * @typedef {import("miniflare").MiniflareOptions} MiniflareOptions
 * @typedef {import("./build.mjs").WorkerModules} WorkerModules
 *
 * @typedef {object} Deployment What wrangler.toml says.
 * @property {string} main Absolute path of the Worker's source.
 * @property {string} name
 * @property {Record<string, string>} variables
 * @property {string} databaseBinding
 * @property {string} migrationsPath
 * @property {string[]} crons
 * @property {ReturnType<typeof unstable_getMiniflareWorkerOptions>["workerOptions"]} workerOptions
 */

/** Reads wrangler.toml of a folder. @param {string} root @returns {Deployment} */
export function readDeployment(root) {
  const config = unstable_readConfig({ config: path.join(root, "wrangler.toml") });
  const { workerOptions } = unstable_getMiniflareWorkerOptions(config);
  const database = config.d1_databases[0];
  if (config.main === undefined || config.name === undefined || database === undefined) {
    throw new Error("wrangler.toml must name the Worker, its main file and its D1 database");
  }
  return {
    main: config.main,
    name: config.name,
    // [vars] alone, without .dev.vars: the contract of `npm start` names the environment as the other source.
    variables: Object.fromEntries(Object.entries(config.vars).map(([name, value]) => [name, String(value)])),
    databaseBinding: database.binding,
    migrationsPath: path.resolve(root, database.migrations_dir ?? "migrations"),
    crons: config.triggers.crons ?? [],
    workerOptions: {
      ...workerOptions,
      // The id in wrangler.toml changes from a placeholder to the real one; the local data must not vanish with it.
      d1Databases: Object.fromEntries(
        config.d1_databases.map((/** @type {{ binding: string, database_name?: string }} */ entry) => [
          entry.binding,
          { id: entry.database_name ?? entry.binding },
        ]),
      ),
    },
  };
}

const TAIL_NAME = "weir-tail";

/**
 * The whole Worker, served on `host:port` by workerd itself: Miniflare's entry proxy, which costs half of the requests
 * and answers under `/cdn-cgi/`, listens on another port of the loopback.
 * @param {Deployment} deployment
 * @param {{ modules: WorkerModules, tail: WorkerModules | null, variables: Record<string, string>, host: string, port: number, inspected: boolean }} served
 *   `tail`: the tail Worker, which gets everything that is logged.
 */
export function servingOptions({ workerOptions, name }, { modules, tail, variables, host, port, inspected }) {
  const { modulesRules: _, ...bindings } = workerOptions;
  const weir = {
    ...bindings,
    name,
    ...runnable(modules),
    bindings: variables,
    unsafeDirectSockets: [{ host, port }],
    unsafeInspectorProxy: inspected,
    ...(tail === null ? {} : { tails: [TAIL_NAME] }),
  };
  if (tail === null) return convert(weir);
  const { compatibilityDate } = workerOptions;
  return convert(weir, { name: TAIL_NAME, compatibilityDate, ...runnable(tail), bindings: variables });
}

/** @param {WorkerModules} modules */
function runnable(modules) {
  return {
    modules: modules.map(({ path: modulePath, type, contents }) => ({
      type: type === "wasm" ? /** @type {const} */ ("CompiledWasm") : /** @type {const} */ ("ESModule"),
      path: modulePath,
      contents,
    })),
    modulesRoot: ".",
  };
}

/** Only the databases, and nothing that serves: what migrations run in. @param {Deployment} deployment */
export function migratingOptions({ workerOptions, name }) {
  return convert({
    name,
    compatibilityDate: workerOptions.compatibilityDate,
    modules: [{ type: "ESModule", path: "migrate.mjs", contents: "export default {};" }],
    modulesRoot: ".",
    d1Databases: workerOptions.d1Databases,
  });
}

/** @param {any[]} workers Options of each in the form of Miniflare 4, which wrangler still gives. */
function convert(...workers) {
  return convertV4MiniflareOptions({ workers: /** @type {any} */ (workers) }).workers;
}
