/** What a command prints: for people, as the API's JSON, or one line a thing for other programs. */
import colors from "picocolors";
import { answerOf } from "../client/weir.ts";

export const OUTPUT_MODES = ["pretty", "json", "compact"] as const;
export type OutputMode = (typeof OUTPUT_MODES)[number];

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "magenta";
export type Paint = (style: Style, text: string) => string;

/** How a value looks when it is not printed as JSON. Each line of `compact` has its fields between tabs. */
export interface Looks {
  pretty: () => readonly string[];
  compact: () => readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

export class Output {
  readonly mode: OutputMode;
  /** Whether a person watches: progress and live screens are for them alone. */
  readonly isTerminal: boolean;
  readonly paint: Paint;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;

  constructor(mode: OutputMode, wantsColor: boolean, environment: Environment, streams = process) {
    this.mode = mode;
    this.#stdout = streams.stdout;
    this.#stderr = streams.stderr;
    this.isTerminal = this.#stdout.isTTY === true;
    const isPainted = mode === "pretty" && wantsColor && mayColor(this.isTerminal, environment);
    const painter = colors.createColors(isPainted);
    this.paint = (style, text) => painter[style](text);
  }

  /** Columns that a line may have; unbounded when nobody watches, so that nothing is cut off for a file. */
  get width(): number {
    return this.isTerminal ? Math.max(40, this.#stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
  }

  get rows(): number {
    return Math.max(10, this.#stdout.rows ?? 24);
  }

  /** An answer of the API: as it came, or as it looks. */
  answer(value: object, looks: Looks): void {
    if (this.mode === "json") this.line(answerOf(value)?.text ?? JSON.stringify(value));
    else this.lines(looks[this.mode]());
  }

  lines(lines: readonly string[]): void {
    if (lines.length > 0) this.#stdout.write(`${lines.join("\n")}\n`);
  }

  line(text: string): void {
    this.#stdout.write(`${text}\n`);
  }

  /** Said beside the result, which stays fit for a pipe; left out when a program reads. */
  note(text: string): void {
    if (this.mode === "pretty") this.#stderr.write(`${text}\n`);
  }
}

/** https://no-color.org and its opposite, FORCE_COLOR. */
function mayColor(isTerminal: boolean, environment: Environment): boolean {
  if ((environment.NO_COLOR ?? "") !== "") return false;
  const forced = environment.FORCE_COLOR ?? "";
  if (forced !== "") return forced !== "0" && forced !== "false";
  return isTerminal && environment.TERM !== "dumb";
}

/** A line of `compact`: fields between tabs, nothing in them that would end the line. */
export function fields(...values: readonly (string | number | null | undefined)[]): string {
  return values.map((value) => String(value ?? "").replace(/[\t\r\n]+/g, " ")).join("\t");
}
