/** What every command works with: the client, the output, and the signal that Ctrl+C gives. */
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { Weir } from "../client/weir.ts";
import { unable } from "./failure.ts";
import { Output, type OutputMode } from "./output.ts";
import { type Connection, connectionOf } from "./settings.ts";

export interface GlobalOptions {
  url?: string;
  key?: string;
  output: OutputMode;
  color: boolean;
  profile?: string;
}

export interface Context {
  output: Output;
  /** Ends with Ctrl+C. */
  signal: AbortSignal;
  connection: Connection;
  /** The client for the connection; refuses when no key is known. */
  weir: Weir;
}

/** Somebody sits and waits: one more try, then they are told. */
const ATTEMPTS = 2;

const interruption = new AbortController();

/** Ends what runs now, by its signal. */
export function interrupt(): void {
  interruption.abort();
}

export function contextOf(command: CommandUnknownOpts): Context {
  const options = command.optsWithGlobals() as unknown as GlobalOptions;
  let connection: Connection | undefined;
  let weir: Weir | undefined;
  return {
    output: new Output(options.output, options.color, process.env),
    signal: interruption.signal,
    get connection() {
      connection ??= connectionOf(options, process.env);
      return connection;
    },
    get weir() {
      weir ??= clientFor(this.connection);
      return weir;
    },
  };
}

function clientFor({ url, key }: Connection): Weir {
  if (key === null)
    throw unable(`no key for ${url}: give one with --key or WEIR_KEY, or keep it with "weir config set"`);
  // A key that cannot stand in a header is none that Weir ever made.
  if (!/^[\x21-\x7e]+$/.test(key)) throw unable("the key has characters that no key has: copy it again");
  return new Weir({ url, key, keepText: true, attempts: ATTEMPTS });
}
