/** Whether the parts that Weir stands on answer, and how fast. Asked at most every few seconds, each part for a second. */
import type { Logger } from "#telemetry/log.ts";

/** A check that takes longer counts as failed. */
export const CHECK_TIMEOUT_MS = 1_000;

/** Answers are reused for this long, so that probes do not become load. */
export const CHECK_CACHE_MS = 5_000;

/** Services that may be asked for by name, and the component that each one's health is. */
export const SERVICES = {
  orchestrator: null,
  "workflow-runner": "coordinator",
  "http-worker": "http-worker",
  "agent-runner": "agent-runner",
  "hitl-worker": "hitl-worker",
  fanout: "fanout",
  d1: "d1",
  queues: "queues",
} as const;

export const SERVICE_NAMES = Object.keys(SERVICES) as (keyof typeof SERVICES)[];

export const COMPONENT_STATUSES = ["ok", "degraded", "down", "disabled"] as const;
export type ComponentStatus = (typeof COMPONENT_STATUSES)[number];

export interface ComponentHealth {
  status: ComponentStatus;
  latency_ms: number;
  detail?: string;
}

/** Answers with a detail when the component works but not well; throws when it does not work. */
export type Check = () => Promise<string | null>;

export interface Readiness {
  status: "ok" | "degraded" | "down";
  components: Record<string, ComponentHealth>;
}

export class Health {
  readonly #checks: Record<string, { check: Check; essential: boolean }>;
  readonly #disabled: Record<string, string>;
  readonly #logger: Logger;
  readonly #checked: (component: string, result: ComponentStatus) => void;
  #last: { at: number; readiness: Promise<Readiness> } | null = null;

  /** `disabled`: parts that this version does not have or that are switched off, and why. */
  constructor(
    checks: Record<string, { check: Check; essential: boolean }>,
    disabled: Record<string, string>,
    logger: Logger,
    checked: (component: string, result: ComponentStatus) => void = () => {},
  ) {
    this.#checks = checks;
    this.#disabled = disabled;
    this.#logger = logger;
    this.#checked = checked;
  }

  readiness(nowMs: number): Promise<Readiness> {
    if (this.#last === null || nowMs - this.#last.at >= CHECK_CACHE_MS) {
      this.#last = { at: nowMs, readiness: this.#ask() };
    }
    return this.#last.readiness;
  }

  async #ask(): Promise<Readiness> {
    const names = Object.keys(this.#checks);
    const answers = await Promise.all(names.map((name) => this.#askOne(name)));
    const components: Record<string, ComponentHealth> = {};
    let status: Readiness["status"] = "ok";
    names.forEach((name, index) => {
      const answer = answers[index];
      if (answer === undefined) return;
      components[name] = answer;
      this.#checked(name, answer.status);
      if (answer.status === "down" && this.#checks[name]?.essential === true) status = "down";
      else if (answer.status !== "ok" && status === "ok") status = "degraded";
    });
    for (const [name, detail] of Object.entries(this.#disabled)) {
      components[name] = { status: "disabled", latency_ms: 0, detail };
    }
    return { status, components };
  }

  async #askOne(name: string): Promise<ComponentHealth> {
    const check = this.#checks[name]?.check ?? (async () => null);
    const startedAt = Date.now();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
    });
    try {
      const detail = await Promise.race([check(), timeout]);
      const health: ComponentHealth = {
        status: detail === null ? "ok" : "degraded",
        latency_ms: Date.now() - startedAt,
      };
      return detail === null ? health : { ...health, detail };
    } catch (error) {
      this.#logger.warn("a health check failed", { component: name, error });
      return { status: "down", latency_ms: Date.now() - startedAt, detail: "does not answer" };
    } finally {
      clearTimeout(timer);
    }
  }
}
