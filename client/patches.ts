/** Patches of a run's workflow while it runs: look at them, make one, decide on a proposed one, revert the last. */
import type { Decision, PatchDiff, PatchOrder, PatchOutcome, RevertedPatch, RunPatch } from "./api.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface PatchOptions extends CallOptions {
  /** The run's `patch_seq` that the patch was made for; another one by now is `precondition_failed`. */
  ifPatchSeq?: number;
}

export class Patches {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Every patch, also proposed, rejected and reverted ones, in order. */
  list(runId: string, options: CallOptions = {}): Promise<{ items: RunPatch[] }> {
    return this.#transport.call("$get", "/api/v1/runs/:id/patches", { param: { id: runId } }, options);
  }

  get(runId: string, seq: number, options: CallOptions = {}): Promise<RunPatch> {
    const param = { id: runId, seq: String(seq) };
    return this.#transport.call("$get", "/api/v1/runs/:id/patches/:seq", { param }, options);
  }

  /** Applies the operations, all or none; `proposed` where patches of the workflow are decided on first. */
  async propose(runId: string, order: PatchOrder, options: PatchOptions = {}): Promise<PatchOutcome> {
    return (await this.#post(runId, order, options)) as PatchOutcome;
  }

  /** What the operations would change; changes nothing. */
  preview(runId: string, order: PatchOrder, options: PatchOptions = {}): Promise<{ diff: PatchDiff }> {
    return this.#post(runId, { ...order, dry_run: true }, { ...options, isRepeatable: true });
  }

  #post(
    runId: string,
    json: PatchOrder & { dry_run?: boolean },
    { ifPatchSeq, ...options }: PatchOptions & { isRepeatable?: boolean },
  ) {
    const input = { param: { id: runId }, header: matching(ifPatchSeq), json };
    return this.#transport.call("$post", "/api/v1/runs/:id/patches", input, options);
  }

  /** Reverts the last applied patch, if nothing that it added has started. */
  revert(runId: string, seq: number, { ifPatchSeq, ...options }: PatchOptions = {}): Promise<RevertedPatch> {
    const input = { param: { id: runId, seq: String(seq) }, header: matching(ifPatchSeq) };
    return this.#transport.call("$delete", "/api/v1/runs/:id/patches/:seq", input, options);
  }

  /** Approves or rejects a proposed patch; an approved one is applied at once. */
  decide(
    runId: string,
    seq: number,
    decision: Decision,
    { comments, ...options }: CallOptions & { comments?: string } = {},
  ): Promise<RunPatch> {
    const json = { decision, ...(comments === undefined ? {} : { comments }) };
    const input = { param: { id: runId, seq: String(seq) }, json };
    return this.#transport.call("$post", "/api/v1/runs/:id/patches/:seq/decide", input, options);
  }
}

function matching(patchSeq: number | undefined): { "if-match"?: string } {
  return patchSeq === undefined ? {} : { "if-match": `"${patchSeq}"` };
}
