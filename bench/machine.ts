/** On what the figures were read, and of what. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

export function describeMachine() {
  return {
    cpu: os.cpus()[0]?.model ?? "unknown",
    cores: os.availableParallelism(),
    memory_mb: Math.round(os.totalmem() / 1_048_576),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    /** Who else was at work; the figures are worth less the higher it is. */
    load_before: os.loadavg()[0] ?? null,
  };
}

export function describeVersions() {
  return {
    weir: versionOf("package.json"),
    commit: git("rev-parse", "--short", "HEAD"),
    changed: git("status", "--porcelain", "--untracked-files=no") !== "",
    node: process.versions.node,
    workerd: versionOf("node_modules/workerd/package.json"),
    miniflare: versionOf("node_modules/miniflare/package.json"),
  };
}

function versionOf(manifest: string): string {
  return JSON.parse(readFileSync(path.join(ROOT, manifest), "utf8")).version as string;
}

function git(...args: string[]): string | null {
  try {
    return execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return null;
  }
}
