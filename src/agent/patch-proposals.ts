/**
 * Changes of its own run that one attempt of an agent asks for: judged at once, so that the model can be told, and
 * gathered for the run, which judges them again with the accepted answer. Refused ones are gathered too: each attempt is
 * on record.
 */
import { REASON_LENGTH_MAX } from "#engine/agent-patches.ts";
import { examplePatch } from "#engine/agent-policy.ts";
import { PATCHES_PER_RESULT_MAX } from "#engine/limits.ts";
import type { AgentPatch } from "#engine/task.ts";
import { refusedUrls } from "#http/literal-urls.ts";
import type { UrlPolicy } from "#http/url-guard.ts";
import { fail, ok, type Problem, type Result } from "#kernel/errors.ts";
import { isJsonObject, type Json, jsonPointer } from "#kernel/json.ts";
import { PATCH_UNITS_MAX } from "./limits.ts";
import type { PatchRefusal } from "./tool.ts";

export interface PatchProposalsParts {
  /** The agent's path; what is gathered goes into `patches`. */
  node: string;
  patches: AgentPatch[];
  /** The workflow says that a human decides about patches. */
  isGated: boolean;
  policy: UrlPolicy;
  /** Judges by the run as it is, after `earlier`; null when the run does not want the attempt any more. */
  judge(earlier: Json[][], operations: Json[]): Promise<Result<{ summary: string[] }, Problem[]> | null>;
}

export class PatchProposals {
  readonly #parts: PatchProposalsParts;

  constructor(parts: PatchProposalsParts) {
    this.#parts = parts;
  }

  async propose(
    operations: Json[],
    description: string | null,
  ): Promise<Result<{ diff: string[]; gated?: true }, PatchRefusal>> {
    const { patches, isGated } = this.#parts;
    if (patches.length >= PATCHES_PER_RESULT_MAX) {
      return this.#refuse(`an agent asks for at most ${PATCHES_PER_RESULT_MAX} changes`, []);
    }
    const units = JSON.stringify([...patches, operations]).length;
    if (units > PATCH_UNITS_MAX) {
      const reason = `all changes that an agent asks for have at most ${PATCH_UNITS_MAX} characters together`;
      return this.#record([], description, reason, []);
    }
    const unreachable = this.#refusedUrls(operations);
    if (unreachable.length > 0) return this.#record(operations, description, "a URL is not allowed", unreachable);
    const earlier = patches.filter(({ rejected }) => rejected === undefined).map((patch) => patch.operations);
    const judged = await this.#parts.judge(earlier, operations);
    if (judged === null) return this.#refuse("the run does not wait for this node any more", []);
    if (!judged.ok) return this.#record(operations, description, "it breaks a rule", judged.error);
    patches.push({ operations, description });
    return ok({ diff: judged.value.summary, ...(isGated ? { gated: true as const } : {}) });
  }

  #refusedUrls(operations: readonly Json[]): Problem[] {
    return operations.flatMap((operation, index) => {
      const value = isJsonObject(operation) ? operation.value : null;
      if (!isJsonObject(value)) return [];
      return refusedUrls(value, this.#parts.policy).map(({ path, message }) => ({
        pointer: jsonPointer(["operations", index, "value", ...path]),
        message,
      }));
    });
  }

  #record(operations: Json[], description: string | null, reason: string, problems: Problem[]) {
    const details = problems.map(({ pointer, message }) => (pointer === "" ? message : `${pointer}: ${message}`));
    const rejected = [reason, ...details].join("; ").slice(0, REASON_LENGTH_MAX).toWellFormed();
    this.#parts.patches.push({ operations, description, rejected });
    return this.#refuse(reason, problems);
  }

  #refuse(reason: string, problems: Problem[]): { ok: false; error: PatchRefusal } {
    return fail({ reason, problems, example: examplePatch(this.#parts.node) });
  }
}
