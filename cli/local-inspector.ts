/** The way from the command line to the inspector of the local runtime, and its profiles to files. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Profiler } from "../bench/profiler.ts";
import { unable } from "./failure.ts";

const HOW = "start it with WEIR_INSPECTOR_PORT=9229 npm start";

/** Attaches to the runtime whose inspector listens on `port`, else to that of the state folder we stand beside. */
export async function attachToLocalRuntime(port: number | undefined): Promise<Profiler> {
  if (typeof WebSocket === "undefined")
    throw unable(`Node ${process.versions.node} has no WebSocket: use npx weir in the project`);
  const known = port ?? rememberedPort();
  if (known === null)
    throw unable(`no local runtime with an inspector is known here: ${HOW}, or give --inspector-port`);
  try {
    return await Profiler.attach(known);
  } catch (error) {
    throw unable(`nothing to profile on port ${known} (${(error as Error).message}): ${HOW}`);
  }
}

function rememberedPort(): number | null {
  const state = process.env.WEIR_STATE ?? "";
  try {
    const memory = JSON.parse(readFileSync(path.join(state === "" ? ".weir" : state, "runtime.json"), "utf8"));
    return typeof memory.inspectorPort === "number" ? memory.inspectorPort : null;
  } catch {
    return null;
  }
}

/** Writes a profile; gives the file's name. */
export function keepProfile(out: string | undefined, extension: string, content: string): string {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "");
  const file = out ?? `weir-${stamp}.${extension}`;
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw unable(`${file} cannot be written: ${(error as Error).message}`);
  }
  return file;
}
