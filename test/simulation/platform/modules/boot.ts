/** Stands in for `workers/coordinator/boot.ts`: the simulated runtime says which of its lives this is. */
let id = "boot-1";

export function bootId(): string {
  return id;
}

export function beginBoot(number: number): void {
  id = `boot-${number}`;
}
