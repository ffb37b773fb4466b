/** Stands in for `cloudflare:workers`: what the coordinator needs of it. */

/** For telemetry alone, which is off here. */
export function waitUntil(): void {}

export class DurableObject<Env> {
  protected readonly ctx: unknown;
  protected readonly env: Env;

  constructor(ctx: unknown, env: Env) {
    this.ctx = ctx;
    this.env = env;
  }
}
