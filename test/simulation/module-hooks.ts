/**
 * How Weir's modules are loaded here: what only the platform has is replaced, and a planted bug is written into the
 * source of the module that it is for. To be called before anything of Weir is imported.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import type { PlantedBug } from "./planted-bugs.ts";

const ROOT = new URL("../../", import.meta.url).href;
const MODULES = new URL("./platform/modules/", import.meta.url).href;

/** Modules by what others ask for → what they get. */
const BY_NAME: Record<string, string> = { "cloudflare:workers": `${MODULES}cloudflare-workers.ts` };
const BY_URL: Record<string, string> = {
  [`${ROOT}workers/coordinator/boot.ts`]: `${MODULES}boot.ts`,
  [`${ROOT}src/telemetry/isolate.ts`]: `${MODULES}isolate.ts`,
};
/** Bounds that a scenario may set lower, so that what happens at them happens often. */
const TUNABLE: Record<string, readonly string[]> = {
  [`${ROOT}src/engine/limits.ts`]: ["VISITS_PER_TRANSITION", "OUTPUT_INLINE_BYTES"],
  [`${ROOT}src/store/shard/run-log.ts`]: ["SNAPSHOT_EVENTS_MIN"],
  [`${ROOT}src/store/task-message.ts`]: ["MESSAGE_CONFIG_BYTES_MAX"],
};
/** What is added to a module: a memory of the isolate that must not outlive a scenario. */
const ADDED: Record<string, string> = {
  [`${ROOT}src/store/workflows.ts`]:
    "export function forgetWorkflows() { memory.tags.clear(); memory.artifacts.clear(); }",
};
const PACKAGE = `${ROOT}package.json`;

export function installModuleHooks(bug: PlantedBug | null): void {
  registerHooks({
    resolve(specifier, context, next) {
      const known = BY_NAME[specifier];
      if (known !== undefined) return { url: known, shortCircuit: true };
      if (specifier.endsWith("/package.json")) return { url: PACKAGE, format: "module", shortCircuit: true };
      const resolved = next(specifier, context);
      const replaced = BY_URL[resolved.url];
      return replaced === undefined ? resolved : { ...resolved, url: replaced };
    },
    load(url, context, next) {
      if (url === PACKAGE) {
        const { version } = JSON.parse(readFileSync(fileURLToPath(url), "utf8")) as { version: string };
        return { format: "module", source: `export const version = ${JSON.stringify(version)};`, shortCircuit: true };
      }
      const names = TUNABLE[url];
      const isPlanted = bug !== null && url === `${ROOT}${bug.file}`;
      const added = ADDED[url];
      if (names === undefined && added === undefined && !isPlanted) return next(url, context);
      let source = readFileSync(fileURLToPath(url), "utf8");
      if (isPlanted) source = plant(source, bug);
      if (names !== undefined) source = makeTunable(source, names);
      if (added !== undefined) source = `${source}\n${added}\n`;
      return { format: "module-typescript", source, shortCircuit: true };
    },
  });
}

/** The module's source with the bug in it; throws when the place is not there, or not the only one. */
export function plant(source: string, bug: PlantedBug): string {
  const parts = source.split(bug.find);
  if (parts.length !== 2) {
    throw new Error(
      `the bug "${bug.name}" needs one place in ${bug.file} that reads: ${bug.find} (found ${parts.length - 1})`,
    );
  }
  return parts.join(bug.put);
}

/** Constants become variables of the module, which `tune` sets; whoever imported them sees it. */
function makeTunable(source: string, names: readonly string[]): string {
  const cases = names.map((name) => `if (values.${name} !== undefined) ${name} = values.${name};`);
  let tunable = source;
  for (const name of names) {
    if (!tunable.includes(`const ${name} =`)) throw new Error(`there is no constant ${name} to be tuned`);
    tunable = tunable.replace(`const ${name} =`, `let ${name} =`);
  }
  return `${tunable}\nexport function tune(values) { ${cases.join(" ")} }\n`;
}
