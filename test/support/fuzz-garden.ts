/**
 * Things that requests from schemas alone would hardly meet: a run that asks, one whose patch waits for a decision, one that
 * has failed, a signed link, a job. Planted anew again and again, since other requests decide, cancel and delete them.
 */
import type { RequestFuzzer } from "./request-fuzzer.ts";
import type { WeirProcess } from "./weir-process.ts";

const ASKS = { nodes: [{ id: "ask", type: "hitl", config: { message: "Go on?" } }] };
const GATED = { ...ASKS, metadata: { patch_policy: "gated" } };
const FAILS = { nodes: [{ id: "fails", type: "transform", config: { expression: "inputs.missing" } }] };
const PATCH = {
  operations: [
    { op: "add", path: "/nodes/-", value: { id: "later", type: "parallel" } },
    { op: "add", path: "/edges/-", value: { from: "ask", to: "later" } },
  ],
};

/** Makes one of each and tells the fuzzer where it is. */
export async function plant(weir: WeirProcess, { places }: RequestFuzzer): Promise<void> {
  const post = async (path: string, body: unknown) => (await weir.api("POST", `/api/v1${path}`, body)).body;
  const put = (path: string, place: Record<string, string>) => {
    places.set(`/api/v1${path}`, [...(places.get(`/api/v1${path}`) ?? []), place]);
  };
  const start = async (definition: object): Promise<string> => (await post("/runs", { definition })).run_id;
  const [asks, gated, fails] = await Promise.all([start(ASKS), start(GATED), start(FAILS)]);
  await Promise.all([post(`/runs/${asks}/patches`, PATCH), post(`/runs/${gated}/patches`, PATCH)]);
  put("/runs/{id}/patches", { id: asks });
  put("/runs/{id}/patches/{seq}", { id: asks, seq: "1" });
  put("/runs/{id}/patches/{seq}/decide", { id: gated, seq: "1" });
  put("/runs/{id}/nodes/{node}/replay", { id: fails, node: "fails" });

  // Approvals of their own for those who decide them: a link must find its one open.
  for (const path of ["/approvals/{id}", "/approvals/{id}/decide", "/approvals/{id}/links", ""]) {
    const run = await start(ASKS);
    const approval = `apr_${run.slice("run_".length)}-1-ask`;
    if (path !== "") put(path, { id: approval });
    else put("/approve/{token}", { token: (await post(`/approvals/${approval}/links`, {})).token });
  }
  const { job_id: job } = await post("/runs/bulk", { action: "cancel", filter: { q: "nothing has this" } });
  put("/jobs/{id}", { id: job });
}
