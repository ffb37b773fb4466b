/** Workflows by tag, their versions and what changed between them. */
import type {
  PageOptions,
  SavedWorkflow,
  Validation,
  VersionPage,
  Workflow,
  WorkflowDiff,
  WorkflowPage,
  WorkflowVersion,
} from "./api.ts";
import { isWeirError } from "./errors.ts";
import { itemsOf } from "./pages.ts";
import { answerOf, type CallOptions, type Transport } from "./transport.ts";

export interface SaveOptions extends CallOptions {
  description?: string;
}

export class Workflows {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Everything that is wrong with a definition, and what it amounts to; stores nothing. */
  validate(definition: unknown, options: CallOptions = {}): Promise<Validation> {
    const repeatable = { ...options, isRepeatable: true };
    return this.#transport.call("$post", "/api/v1/workflows/validate", { json: definition }, repeatable);
  }

  /** Stores a definition under a new tag; one that exists is `conflict`. */
  create(tag: string, workflow: unknown, { description, ...options }: SaveOptions = {}): Promise<SavedWorkflow> {
    return this.#save({ tag, workflow, ...(description === undefined ? {} : { description }) }, undefined, options);
  }

  /** Stores a new version of a tag that is still at `etag`; a stale one is `precondition_failed`. */
  replace(
    tag: string,
    workflow: unknown,
    etag: string,
    { description, ...options }: SaveOptions = {},
  ): Promise<SavedWorkflow> {
    const described = description === undefined ? {} : { description };
    return this.#save({ tag, workflow, replace: true, ...described }, etag, options);
  }

  /** Stores a definition under a tag, as its first version or as a new one of what stands there now. */
  async push(tag: string, workflow: unknown, options: SaveOptions = {}): Promise<SavedWorkflow> {
    try {
      return await this.create(tag, workflow, options);
    } catch (error) {
      if (!isWeirError(error, "conflict")) throw error;
    }
    const { signal } = options;
    const current = await this.get(tag, signal === undefined ? {} : { signal });
    return this.replace(tag, workflow, answerOf(current)?.headers.get("ETag") ?? "*", options);
  }

  #save(
    json: { tag: string; workflow: unknown; description?: string; replace?: boolean },
    etag: string | undefined,
    options: CallOptions,
  ): Promise<SavedWorkflow> {
    const header = etag === undefined ? {} : { "if-match": etag };
    return this.#transport.call("$post", "/api/v1/workflows", { header, json }, options);
  }

  list(query: PageOptions = {}, options: CallOptions = {}): Promise<WorkflowPage> {
    return this.#transport.call("$get", "/api/v1/workflows", { query }, options);
  }

  all(): AsyncGenerator<WorkflowPage["items"][number], void, undefined> {
    return itemsOf((cursor) => this.list({ limit: 200, ...(cursor === undefined ? {} : { cursor }) }));
  }

  /** The current version with its definition; `answerOf` has its `ETag`. */
  get(tag: string, options: CallOptions = {}): Promise<Workflow> {
    return this.#transport.call("$get", "/api/v1/workflows/:tag", { param: { tag } }, options);
  }

  /** Deletes the tag with its history; artifacts and runs stay. */
  async delete(tag: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.call("$delete", "/api/v1/workflows/:tag", { param: { tag }, header: {} }, options);
  }

  /** What the tag has pointed to, newest first. */
  versions(tag: string, query: PageOptions = {}, options: CallOptions = {}): Promise<VersionPage> {
    return this.#transport.call("$get", "/api/v1/workflows/:tag/versions", { param: { tag }, query }, options);
  }

  version(tag: string, version: number, options: CallOptions = {}): Promise<WorkflowVersion> {
    const param = { tag, version: String(version) };
    return this.#transport.call("$get", "/api/v1/workflows/:tag/versions/:version", { param }, options);
  }

  /** What changed: by default between the current version and the one before. */
  diff(tag: string, query: { from?: number; to?: number } = {}, options: CallOptions = {}): Promise<WorkflowDiff> {
    return this.#transport.call("$get", "/api/v1/workflows/:tag/diff", { param: { tag }, query }, options);
  }
}
