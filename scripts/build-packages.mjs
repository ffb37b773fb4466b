/**
 * Builds what others run or import: `weir` (the command line) and `weir/client`, into `dist/`. `npm ci` runs it, so that
 * `npx weir` works in a fresh clone. Runs on the machine's own Node, 20 or newer.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const TYPES = path.join(ROOT, "dist/client/types");

/** @type {esbuild.BuildOptions} */
const SHARED = {
  absWorkingDir: ROOT,
  bundle: true,
  format: "esm",
  legalComments: "none",
  logLevel: "warning",
  define: { "process.env.NODE_ENV": '"production"' },
};

/** The command line as one file. @param {string} outfile Relative to the project. */
export async function buildCommandLine(outfile) {
  await esbuild.build({
    ...SHARED,
    entryPoints: ["cli/main.ts"],
    outfile,
    platform: "node",
    target: "node20",
    minifySyntax: true,
    minifyWhitespace: true,
    // Packages that are CommonJS ask for Node's modules by `require`, which an ES module does not have.
    banner: {
      js: '#!/usr/bin/env node\nimport { createRequire as weirCreateRequire } from "node:module";\nconst require = weirCreateRequire(import.meta.url);',
    },
  });
  chmodSync(path.join(ROOT, outfile), 0o755);
}

/** The client for any runtime: no module of Node's may be in it. @param {string} outfile */
export async function buildClient(outfile) {
  await esbuild.build({ ...SHARED, entryPoints: ["client/weir.ts"], outfile, platform: "neutral", target: "es2022" });
}

/** Declarations of the client and of all that it takes its types from. */
function buildDeclarations() {
  rmSync(TYPES, { recursive: true, force: true });
  const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.client.json"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  // Errors of types are those of `npm run types`; an installation does not fail by them.
  if (status !== 0) process.stderr.write(stdout);
  for (const file of declarationsBelow(TYPES)) {
    const text = readFileSync(file, "utf8");
    writeFileSync(
      file,
      text.replace(/(["'])#([a-z]+)\/([^"']+)\1/g, (_, quote, layer, rest) => {
        const target = path.relative(path.dirname(file), path.join(TYPES, "src", layer, rest));
        return `${quote}${target.startsWith(".") ? target : `./${target}`}${quote}`;
      }),
    );
  }
}

/** @param {string} folder @returns {string[]} */
function declarationsBelow(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".d.ts"))
    .map((name) => path.join(folder, name));
}

/** Where `npx` and npm scripts look first; npm links the commands of dependencies there, not the project's own. */
function linkCommand() {
  if (process.platform === "win32") return;
  const link = path.join(ROOT, "node_modules/.bin/weir");
  mkdirSync(path.dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(path.join("../../dist/cli/weir.mjs"), link);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await Promise.all([buildCommandLine("dist/cli/weir.mjs"), buildClient("dist/client/weir.mjs")]);
  buildDeclarations();
  linkCommand();
}
