/**
 * How Weir's modules are loaded here: what only the platform has is replaced, and a planted bug is written into the
 * source of the module that it is for. To be called before anything of Weir is imported.
 */
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
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
      if (bug === null || url !== `${ROOT}${bug.file}`) return next(url, context);
      const source = readFileSync(fileURLToPath(url), "utf8");
      return { format: "module", source: stripTypeScriptTypes(plant(source, bug)), shortCircuit: true };
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
