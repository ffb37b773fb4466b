/** The way to the Meters: which one a source belongs to, and what all of them hold together. */
import { ApiError } from "#kernel/errors.ts";
import { hash32 } from "#kernel/ids.ts";
import type { MeterRpc, MeterView } from "./protocol.ts";

/** Never to be changed: a source whose Meter changes would be counted there anew. */
export const METERS = 4;
export const METERS_LOCAL = 1;

/** A Meter that takes longer to answer is not waited for. */
const ANSWER_MS = 5_000;

export interface MeterNamespace {
  getByName(name: string): MeterRpc;
}

export class Meters {
  readonly #namespace: MeterNamespace;
  readonly #names: readonly string[];

  constructor(namespace: MeterNamespace, count: number) {
    this.#namespace = namespace;
    this.#names = Array.from({ length: count }, (_, number) => `meter-${number}`);
  }

  of(source: string): MeterRpc {
    return this.#namespace.getByName(this.#names[hash32(source) % this.#names.length] as string);
  }

  /** Throws when one does not answer. */
  async check(): Promise<void> {
    await Promise.all(this.#names.map((name) => inTime(this.#namespace.getByName(name).stats())));
  }

  /** What each holds, by name; throws when one does not answer: a sum of some would look like a loss. */
  async views(): Promise<[name: string, view: MeterView][]> {
    return Promise.all(
      this.#names.map(async (name): Promise<[string, MeterView]> => {
        const view = await inTime(this.#namespace.getByName(name).view()).catch((error: unknown) => {
          throw new ApiError("unavailable", `the Meter ${name} does not answer`, { details: reasonOf(error) });
        });
        return [name, JSON.parse(view) as MeterView];
      }),
    );
  }
}

function reasonOf(error: unknown): { reason: string } {
  return { reason: error instanceof Error && /no answer/.test(error.message) ? "no answer in time" : "it failed" };
}

async function inTime<Value>(answer: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), ANSWER_MS);
  });
  try {
    return await Promise.race([answer, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
