/** The built `weir` for tests: run it as a user would, in a folder of its own, and read what it wrote and how it ended. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const BUILT = fileURLToPath(new URL("../../dist/cli/weir.mjs", import.meta.url));

export interface Outcome {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** What stands on standard input, which then ends; null leaves it open for `started` to type. */
  stdin?: string | null;
  /** Called with the child once it runs, to interrupt it. */
  started?: (child: ChildProcess) => void;
  /** The Node that runs it; by default the one that runs the tests. */
  node?: string;
}

export interface CommandLine {
  /** A temporary folder: where it runs, and where its config is kept. */
  readonly folder: string;
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Runs it on a terminal of its own; both outputs are one there. */
  onTerminal(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  write(name: string, content: unknown): string;
  read(name: string): string;
  remove(): void;
}

/** `connection`: which Weir it talks to unless a test says otherwise. */
export function openCommandLine(connection: { url: string; key: string } | null): CommandLine {
  const folder = mkdtempSync(path.join(os.tmpdir(), "weir-cli-"));
  const environment = (own: Record<string, string> = {}) => {
    const { WEIR_STATE: _, NO_COLOR: __, FORCE_COLOR: ___, ...inherited } = process.env;
    const weir = connection === null ? {} : { WEIR_URL: connection.url, WEIR_KEY: connection.key };
    return { ...inherited, WEIR_CONFIG_HOME: path.join(folder, "config"), TERM: "xterm-256color", ...weir, ...own };
  };
  const start = (command: string, args: readonly string[], { env, stdin, started }: RunOptions) => {
    const child = spawn(command, args, { cwd: folder, env: environment(env), stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.on("error", () => {});
    if (stdin !== null) child.stdin.end(stdin ?? "");
    started?.(child);
    return outcomeOf(child);
  };
  return {
    folder,
    run: (args, options = {}) => start(options.node ?? process.execPath, [BUILT, ...args], options),
    onTerminal: (args, options = {}) => {
      const line = [process.execPath, BUILT, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
      return start(
        "script",
        ["--quiet", "--return", "--command", `stty cols 100 rows 30; ${line}`, "/dev/null"],
        options,
      );
    },
    write(name, content) {
      const file = path.join(folder, name);
      writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
      return file;
    },
    read: (name) => readFileSync(path.join(folder, name), "utf8"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8");
    child[name]?.on("data", (chunk: string) => {
      written[name] += chunk;
    });
  }
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { exitCode, ...written };
}

/** What every failure looks like: its exit code, nothing on standard output, one line that says what to do. */
export function failureOf({ exitCode, stdout, stderr }: Outcome): { exitCode: number | null; line: string } {
  if (stdout !== "") throw new Error(`it wrote a result: ${stdout}`);
  if (!/^weir: [^\n]+\n$/.test(stderr)) throw new Error(`not one line: ${stderr}`);
  if (/\bat .*:\d+:\d+|node:internal/.test(stderr)) throw new Error(`a stack trace: ${stderr}`);
  return { exitCode, line: stderr.slice("weir: ".length, -1) };
}

/** Colours and cursor movements of a terminal taken out. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r", "");
}
