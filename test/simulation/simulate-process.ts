/** Runs `npm run simulate` as a process of its own, as a person would. */
import { execFile } from "node:child_process";
import { join } from "node:path";

const NODE = join("node_modules", ".bin", "node");
const DOOR = join("test", "simulation", "simulate.ts");
const OUTPUT_MAX = 64 * 1_048_576;

export interface Ended {
  code: number;
  output: string;
}

export function simulateInProcess(...options: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(NODE, [DOOR, ...options], { maxBuffer: OUTPUT_MAX }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? 1);
      resolve({ code, output: `${stdout}${stderr}` });
    });
  });
}

/** The script in a report, as text. */
export function scriptIn(output: string): string {
  const match = /^\{"seed".*?^\}$/ms.exec(output);
  if (match === null) throw new Error(`no script in: ${output.slice(-2_000)}`);
  return match[0];
}
