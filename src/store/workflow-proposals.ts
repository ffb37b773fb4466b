/**
 * Changes of stored workflows that agents propose, in D1: judged when they are made, kept for a human, applied as a new
 * version when one agrees. A proposal is for the version that it was made for, and for no other.
 */
import { and, asc, eq, gt, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { DecisionName } from "#engine/events.ts";
import { fail, ok, type Problem, type Result } from "#kernel/errors.ts";
import { canonicalJson, type Json } from "#kernel/json.ts";
import { checkWorkflow } from "#workflow/check.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { diffWorkflows } from "#workflow/diff.ts";
import { applyPatch } from "#workflow/patch.ts";
import { type PROPOSAL_STATUSES, workflowProposals } from "./agent-tables.ts";
import { sha256 } from "./content-address.ts";

export type ProposalStatus = (typeof PROPOSAL_STATUSES)[number];
export type WorkflowProposal = typeof workflowProposals.$inferSelect;

export const PROPOSAL_ID = /^wpr_[0-9a-f]{32}$/;

/** Proposals of one workflow that may wait for a decision. */
export const PENDING_PROPOSALS_MAX = 100;

export interface NewProposal {
  tag: string;
  artifactId: string;
  operations: Json[];
  summary: string[];
  description: string | null;
  /** Which visit of which node proposes it: however often it does, it is one proposal. */
  runId: string;
  node: string;
  visit: number;
}

/** What the operations make of a definition, with the difference in words; every problem at once otherwise. */
export function changedWorkflow(
  from: WorkflowDefinition,
  operations: Json[],
): Result<{ definition: WorkflowDefinition; summary: string[] }, Problem[]> {
  const patched = applyPatch(from as unknown as Json, operations);
  if (!patched.ok) return fail(patched.error.map((problem) => at("/operations", problem)));
  const { definition, errors } = checkWorkflow(patched.value);
  if (definition === null || errors.length > 0) return fail(errors.map((problem) => at("/result", problem)));
  return ok({ definition, summary: diffWorkflows(from, definition).summary });
}

function at(base: string, { pointer, message }: Problem): Problem {
  return { pointer: base + pointer, message };
}

export class WorkflowProposals {
  readonly #database: DrizzleD1Database;

  constructor(database: DrizzleD1Database) {
    this.#database = database;
  }

  /** The proposal's id; null when too many of the workflow wait already. */
  async add(tenant: string, proposal: NewProposal, nowMs: number): Promise<string | null> {
    const { tag, artifactId, operations, summary, description, runId, node, visit } = proposal;
    const digest = await sha256(canonicalJson([tenant, runId, node, visit, tag, artifactId, operations]));
    const id = `wpr_${digest.slice(0, 32)}`;
    const proposals = workflowProposals;
    const waiting = sql`SELECT count(*) FROM ${proposals} WHERE tenant = ${tenant} AND tag = ${tag} AND status = 'pending'`;
    const values = [id, tenant, tag, artifactId, JSON.stringify(operations), JSON.stringify(summary), description];
    const row = sql.join(
      [...values, runId, node, "pending", nowMs].map((value) => sql`${value}`),
      sql`, `,
    );
    await this.#database.run(
      sql`INSERT INTO ${proposals} (id, tenant, tag, artifact_id, operations, summary, description, run_id, node, status, created_at)
        SELECT ${row} WHERE (${waiting}) < ${PENDING_PROPOSALS_MAX} ON CONFLICT (id) DO NOTHING`,
    );
    return (await this.find(tenant, tag, id)) === null ? null : id;
  }

  async find(tenant: string, tag: string, id: string): Promise<WorkflowProposal | null> {
    return (
      (await this.#database
        .select()
        .from(workflowProposals)
        .where(isOne(tenant, tag, id))
        .get()) ?? null
    );
  }

  /** By id, those after `after`. */
  async list(
    tenant: string,
    tag: string,
    status: ProposalStatus | null,
    after: string,
    limit: number,
  ): Promise<WorkflowProposal[]> {
    const { id } = workflowProposals;
    const isWanted = status === null ? undefined : eq(workflowProposals.status, status);
    return this.#database
      .select()
      .from(workflowProposals)
      .where(and(eq(workflowProposals.tenant, tenant), eq(workflowProposals.tag, tag), gt(id, after), isWanted))
      .orderBy(asc(id))
      .limit(limit);
  }

  /** Decides a pending one; null when it was decided meanwhile. */
  async decide(
    { tenant, tag, id }: WorkflowProposal,
    decided: { decision: DecisionName; by: string; comments: string | null; version: number | null },
    nowMs: number,
  ): Promise<WorkflowProposal | null> {
    const { decision, by, comments, version } = decided;
    const status = decision === "approve" ? "approved" : "rejected";
    const [row] = await this.#database
      .update(workflowProposals)
      .set({ status, decidedAt: nowMs, decidedBy: by, comments, version })
      .where(and(isOne(tenant, tag, id), eq(workflowProposals.status, "pending")))
      .returning();
    return row ?? null;
  }
}

function isOne(tenant: string, tag: string, id: string) {
  return and(eq(workflowProposals.id, id), eq(workflowProposals.tenant, tenant), eq(workflowProposals.tag, tag));
}
