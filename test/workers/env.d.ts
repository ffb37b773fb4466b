/** Bindings as tests see them: those of the Worker, and the migrations that the configuration read. */
declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import("../../workers/index.ts");
  }
  interface Env {
    DB: D1Database;
    COORDINATOR: DurableObjectNamespace;
    FANOUT: DurableObjectNamespace;
    LIMITER: DurableObjectNamespace;
    FANOUT: DurableObjectNamespace;
    ANALYTICS: DurableObjectNamespace<import("../../workers/index.ts").AnalyticsStore>;
    METER: DurableObjectNamespace<import("../../workers/index.ts").Meter>;
    WEIR_HTTP: Queue;
    WEIR_DEAD: Queue;
    MIGRATIONS: import("cloudflare:test").D1Migration[];
  }
}
