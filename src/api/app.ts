/** The HTTP API: middleware in order, routes by resource, and the answers for what no route takes. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { ApiError } from "#kernel/errors.ts";
import { nextUlid } from "#kernel/ids.ts";
import { problemsOf } from "#workflow/problems.ts";
import { authenticate } from "./authenticate.ts";
import { readJsonBody } from "./body.ts";
import { describeApi } from "./describe-api.ts";
import { measureRequests } from "./measure-requests.ts";
import { methodsOf } from "./methods.ts";
import { respondError } from "./respond-error.ts";
import { adminConfigRoutes } from "./routes/admin-config.ts";
import { adminDatabaseRoutes } from "./routes/admin-database.ts";
import { adminShardRoutes } from "./routes/admin-shards.ts";
import { adminStatsRoutes } from "./routes/admin-stats.ts";
import { analyticsRoutes } from "./routes/analytics.ts";
import { approvalRoutes } from "./routes/approvals.ts";
import { approveRoutes } from "./routes/approve.ts";
import { artifactRoutes } from "./routes/artifacts.ts";
import { budgetRoutes } from "./routes/budgets.ts";
import { cacheRoutes } from "./routes/cache.ts";
import { evalRoutes } from "./routes/eval.ts";
import { feedRoutes } from "./routes/feed.ts";
import { healthRoutes } from "./routes/health.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { keyRoutes } from "./routes/keys.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { metricsSummaryRoutes } from "./routes/metrics-summary.ts";
import { nodeTypeRoutes } from "./routes/node-types.ts";
import { singleRunRoutes } from "./routes/run.ts";
import { runCommandRoutes } from "./routes/run-commands.ts";
import { runLogRoutes } from "./routes/run-logs.ts";
import { runPatchRoutes } from "./routes/run-patches.ts";
import { runReplayRoutes } from "./routes/run-replays.ts";
import { runStreamRoutes } from "./routes/run-stream.ts";
import { runTraceRoutes } from "./routes/run-trace.ts";
import { runRoutes } from "./routes/runs.ts";
import { schemaRoutes } from "./routes/schemas.ts";
import { tagRoutes } from "./routes/tags.ts";
import { tenantRoutes } from "./routes/tenants.ts";
import { usageRoutes } from "./routes/usage.ts";
import { workflowProposalRoutes } from "./routes/workflow-proposals.ts";
import { workflowRunRoutes } from "./routes/workflow-runs.ts";
import { workflowVersionRoutes } from "./routes/workflow-versions.ts";
import { workflowRoutes } from "./routes/workflows.ts";
import type { AppEnv, Services } from "./services.ts";
import { answerTraceparent } from "./trace-context.ts";

/** `servicesOf` gives the services of the isolate for the bindings of a request. */
export function createApp<Bindings>(servicesOf: (bindings: Bindings) => Services) {
  const app = new OpenAPIHono<AppEnv>();

  app.use(async (context, next) => {
    const requestId = `req_${nextUlid(Date.now())}`;
    context.set("requestId", requestId);
    context.set("services", servicesOf(context.env as Bindings));
    // Before the answer is made: a header that is added to one makes it anew, with its text as a stream.
    context.header("X-Request-Id", requestId);
    context.header("traceparent", answerTraceparent(context.req.header("traceparent")));
    await next();
  });
  app.use(measureRequests);
  app.use(authenticate);
  app.use(readJsonBody);

  for (const routes of [
    healthRoutes,
    metricsRoutes,
    metricsSummaryRoutes,
    workflowRoutes,
    workflowVersionRoutes,
    workflowProposalRoutes,
    workflowRunRoutes,
    runRoutes,
    singleRunRoutes,
    runCommandRoutes,
    runPatchRoutes,
    runReplayRoutes,
    runStreamRoutes,
    feedRoutes,
    runTraceRoutes,
    runLogRoutes,
    jobRoutes,
    approvalRoutes,
    approveRoutes,
    artifactRoutes,
    nodeTypeRoutes,
    evalRoutes,
    keyRoutes,
    tagRoutes,
    tenantRoutes,
    schemaRoutes,
    budgetRoutes,
    usageRoutes,
    cacheRoutes,
    analyticsRoutes,
    adminConfigRoutes,
    adminDatabaseRoutes,
    adminShardRoutes,
    adminStatsRoutes,
  ]) {
    routes.defaultHook = rejectInvalid;
    app.route("/", routes);
  }

  describeApi(app);

  app.notFound((context) => {
    const methods = methodsOf(app.routes, context.req.path);
    if (methods.length === 0) {
      return respondError(new ApiError("not_found", `there is no route ${context.req.path.slice(0, 200)}`), context);
    }
    const message = `${context.req.path.slice(0, 200)} takes ${methods.join(", ")}, not ${context.req.method}`;
    const headers = { Allow: methods.join(", ") };
    return respondError(new ApiError("method_not_allowed", message, { headers }), context);
  });
  app.onError((error, context) => respondError(error, context));
  return app;
}

type Hook = NonNullable<OpenAPIHono<AppEnv>["defaultHook"]>;

/** A body or query of the wrong shape: every problem at once. */
const rejectInvalid: Hook = (result) => {
  if (result.success) return;
  const details = problemsOf(result.error);
  throw new ApiError(
    "invalid",
    `the request has ${details.length === 1 ? "a problem" : `${details.length} problems`}`,
    {
      details,
    },
  );
};
