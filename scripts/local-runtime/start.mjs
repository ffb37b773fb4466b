/** The course of a local start: state, port, build, migrations, serving, examples; and of its end. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { startDataServer } from "../../examples/data-server.mjs";
import { ApiClient } from "./api-client.mjs";
import { buildWorker, describeBuildFailure, watchWorker } from "./build.mjs";
import { hostInUrl, reachableHost, readSettings, shipsLogs, workerVariables } from "./configuration.mjs";
import { Ending } from "./ending.mjs";
import { presentExamples, readExamples } from "./examples.mjs";
import { waitForHealth } from "./health.mjs";
import { describeHost } from "./host.mjs";
import { applyMigrations, readMigrations } from "./migrations.mjs";
import { complain, paintFor, print } from "./output.mjs";
import { claimPort, firstFreePort } from "./ports.mjs";
import { tellProcessFigures } from "./process-figures.mjs";
import { endOrphan, onParentGone, onWorkerdStart, Watchdog } from "./processes.mjs";
import { Runtime } from "./runtime.mjs";
import { StartRefusal } from "./start-refusal.mjs";
import { StateFolder } from "./state-folder.mjs";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const EXAMPLES_PORT = 8788;
const CRON_INTERVAL_MS = 60_000;

/**
 * @typedef {import("./build.mjs").WorkerModules} WorkerModules
 * @typedef {import("./configuration.mjs").Settings} Settings
 */

/** @param {{ environment: Readonly<Record<string, string | undefined>>, isWatching: boolean }} options */
export async function start(options) {
  const ending = new Ending(complain);
  // A reader that went away (`npm start | head`) is no reason to stop serving.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  try {
    await run(options, ending);
  } catch (error) {
    if (ending.hasBegun) return;
    const built = describeBuildFailure(error);
    if (error instanceof StartRefusal) complain(`weir: ${error.message}`);
    else if (built !== null) complain(`weir: the Worker does not build\n${built}`);
    else complain(`weir: ${error instanceof Error ? error.stack : error}`);
    await ending.begin(error instanceof StartRefusal ? error.exitCode : 1);
  }
}

/**
 * @param {{ environment: Readonly<Record<string, string | undefined>>, isWatching: boolean }} options
 * @param {Ending} ending
 */
async function run({ environment, isWatching }, ending) {
  const settings = readSettings(environment, ROOT);
  onParentGone(environment, () => void ending.begin(0));

  const state = new StateFolder(settings.statePath);
  await state.open();
  ending.add(() => state.close());
  if (await endOrphan(state.memory().workerd)) print("ended the runtime that an interrupted start left behind");
  const port = await claimPort(settings.host, settings.port);
  const operatorKey = settings.operatorKey ?? state.operatorKey().key;

  // wrangler takes a second to load; the bundler is a process of its own and works meanwhile.
  const [{ readDeployment, migratingOptions, servingOptions }, modules] = await Promise.all([
    import("./worker-options.mjs"),
    buildWorker(ROOT, path.join(ROOT, "workers/index.ts")),
  ]);
  const deployment = readDeployment(ROOT);
  ending.takeSignals();

  const dataServer = settings.examples ? await serveExamplesData(state) : null;
  if (dataServer !== null) ending.add(() => dataServer.close());

  const origin = `http://${reachableHost(settings.host)}:${port}`;
  state.remember({ url: origin, inspectorPort: settings.inspectorPort });
  const variables = {
    ...workerVariables(environment, deployment.variables),
    WEIR_OPERATOR_KEY: operatorKey,
    WEIR_ALLOW_PRIVATE_HOSTS: [
      ...settings.allowedPrivateHosts,
      ...(dataServer === null ? [] : [`127.0.0.1:${dataServer.port}`]),
    ].join(","),
    WEIR_OWN_ORIGIN: ownOrigins(settings.host, port).join(","),
    WEIR_LOCAL: crypto.randomUUID(),
    WEIR_HOST: JSON.stringify(describeHost()),
  };
  const tail = shipsLogs(variables) ? await buildWorker(ROOT, path.join(ROOT, "workers/tail.ts")) : null;
  const served = (/** @type {WorkerModules} */ built) =>
    servingOptions(deployment, {
      modules: built,
      tail,
      variables,
      host: hostInUrl(settings.host),
      port,
      inspected: settings.inspectorPort !== null,
    });

  const watchdog = new Watchdog();
  watchdog.start();
  /** @type {number | null} */
  let workerdPid = null;
  onWorkerdStart((workerd) => {
    workerdPid = workerd.pid;
    watchdog.guard(workerd.pid);
    state.remember({ workerd });
  });
  let boots = 0;
  let restarts = 0;
  const ready = async () => {
    const boot = ++boots;
    await waitForHealth(origin);
    // It died again meanwhile, and the later boot says so.
    if (boot !== boots) return;
    print(`weir ready on http://${hostInUrl(settings.host)}:${port}`);
    for (const cron of deployment.crons) void runtime.fireScheduled(cron);
  };
  const runtime = new Runtime(state.resources, {
    logged: ({ level, message }) => (level === "error" || level === "warn" ? complain(message) : print(message)),
    noted: (message) => complain(`weir: ${message}`),
    restarted: () => {
      restarts += 1;
      ready().catch((error) => complain(`weir: after the restart: ${error.message}`));
    },
    inspectorPort: settings.inspectorPort,
  });
  ending.add(async () => {
    await runtime.stop();
    watchdog.stop();
  });

  // First with nothing but the database: an object's alarm must not meet tables that are not there yet.
  await runtime.serve(migratingOptions(deployment));
  ending.takeSignals();
  const database = await runtime.database(deployment.databaseBinding);
  await applyMigrations(database, await readMigrations(deployment.migrationsPath));
  await runtime.serve(served(modules));
  await ready();

  const timer = setInterval(() => {
    for (const cron of deployment.crons) void runtime.fireScheduled(cron);
  }, CRON_INTERVAL_MS);
  ending.add(() => clearInterval(timer));

  if (environment.WEIR_TELEMETRY !== "off") {
    const api = new ApiClient(origin, operatorKey);
    ending.add(tellProcessFigures(api, () => (workerdPid === null ? null : { pid: workerdPid, restarts })));
  }

  sayKey(settings, operatorKey, state);
  if (dataServer !== null) await showExamples(origin, operatorKey, settings, dataServer.url);
  if (isWatching) {
    await watch(ending, async (built) => {
      await applyMigrations(
        await runtime.database(deployment.databaseBinding),
        await readMigrations(deployment.migrationsPath),
      );
      await runtime.serve(served(built));
      await ready();
    });
  }
}

/**
 * Serves the examples' datasets on the port of the last start, so that runs in flight find them again.
 * @param {StateFolder} state
 */
async function serveExamplesData(state) {
  const port = await firstFreePort("127.0.0.1", [state.memory().examplesPort ?? EXAMPLES_PORT, EXAMPLES_PORT]);
  const server = await startDataServer({ port });
  state.remember({ examplesPort: port });
  return server;
}

/** Every name under which the URL guard could meet Weir itself. @param {string} host @param {number} port */
function ownOrigins(host, port) {
  const names = new Set([reachableHost(host), hostInUrl(host), "127.0.0.1", "localhost", "[::1]"]);
  return [...names].map((name) => `http://${name}:${port}`);
}

/** @param {Settings} settings @param {string} key @param {StateFolder} state */
function sayKey(settings, key, state) {
  if (settings.operatorKey !== null) print("operator key: the one in WEIR_OPERATOR_KEY");
  else print(`operator key: ${key} (kept in ${path.join(state.path, "operator-key")})`);
}

/**
 * @param {string} origin
 * @param {string} operatorKey
 * @param {Settings} settings
 * @param {string} dataUrl
 */
async function showExamples(origin, operatorKey, settings, dataUrl) {
  try {
    await presentExamples(
      new ApiClient(origin, operatorKey),
      await readExamples(path.join(ROOT, "examples"), dataUrl),
      {
        paint: paintFor(process.stdout, process.env),
        // A key that came from the environment stays there; the shell puts it in.
        keyToPrint: settings.operatorKey === null ? operatorKey : "$WEIR_OPERATOR_KEY",
      },
    );
  } catch (error) {
    complain(`weir: the examples did not run: ${error instanceof Error ? error.message : error}`);
  }
}

/** @param {Ending} ending @param {(built: WorkerModules) => Promise<void>} reload */
async function watch(ending, reload) {
  let isFirst = true;
  /** Reloads one after another: a change during a reload is served after it. */
  let reloading = Promise.resolve();
  const stopWatching = await watchWorker(ROOT, path.join(ROOT, "workers/index.ts"), {
    built: (modules) => {
      // The watch begins with the build that is served already.
      if (isFirst) isFirst = false;
      else reloading = reloading.then(() => reload(modules)).catch((error) => complain(`weir: ${error.message}`));
    },
    failed: (error) => {
      isFirst = false;
      complain(`weir: the Worker does not build\n${describeBuildFailure(error)}`);
    },
  });
  ending.add(stopWatching);
  print("watching the sources");
}
