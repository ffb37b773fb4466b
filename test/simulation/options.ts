/** The command line of `npm run simulate`, parsed once. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { PLANTED_BUGS, type PlantedBug } from "./planted-bugs.ts";

export const USAGE = `npm run simulate -- [options]
  --seeds N      scenarios to run (1000)
  --from S       the first seed (0)
  --threads N    of them at once (one a core)
  --go-on        past the first seed that fails
  --no-shrink    print a failing scenario as it is
  --script FILE  one scenario from a file, as a failure prints it, with all that happens
  --trace        all that happens in the first seed, whatever comes of it
  --bug NAME     with a bug in the product that is to be found: ${PLANTED_BUGS.map((bug) => bug.name).join(", ")}`;

export interface Options {
  seeds: number;
  from: number;
  threads: number;
  goOn: boolean;
  shrinks: boolean;
  script: string | null;
  trace: boolean;
  bug: PlantedBug | null;
}

/** Throws with one line about what is wrong; an empty one when only the usage was asked for. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: "0" },
      threads: { type: "string", default: String(availableParallelism()) },
      "go-on": { type: "boolean", default: false },
      "no-shrink": { type: "boolean", default: false },
      script: { type: "string" },
      trace: { type: "boolean", default: false },
      bug: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) throw new Error("");
  const bug = PLANTED_BUGS.find(({ name }) => name === values.bug) ?? null;
  if (values.bug !== undefined && bug === null) throw new Error(`--bug names no planted bug: "${values.bug}"`);
  return {
    seeds: whole("--seeds", values.seeds, 1, 10_000_000),
    from: whole("--from", values.from, 0, 2 ** 31),
    threads: whole("--threads", values.threads, 1, 64),
    goOn: values["go-on"],
    shrinks: !values["no-shrink"],
    script: values.script ?? null,
    trace: values.trace,
    bug,
  };
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`${name} must be a whole number from ${least} to ${most}, not "${text}"`);
}
