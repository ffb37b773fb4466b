/**
 * Workflows in D1: artifacts by content address, tags that point to them, and the versions a tag has had. Reads on
 * the start path go through a small memory of this isolate.
 */
import { and, asc, desc, eq, gt, lt, notExists, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { WorkflowListing } from "#agent/tool.ts";
import { ApiError } from "#kernel/errors.ts";
import { type JsonObject, utf8Length } from "#kernel/json.ts";
import { WeightedCache } from "#kernel/weighted-cache.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { CONTENT_BYTES_MAX, contentOf } from "./content-address.ts";
import { artifacts, tags, workflowVersions } from "./database-schema.ts";

export interface TagRecord {
  tag: string;
  artifactId: string;
  version: number;
  revision: number;
  description: string | null;
  createdAt: number;
  updatedAt: number;
}

/** One of the artifacts that a tag has pointed to. */
export interface VersionRecord {
  version: number;
  artifactId: string;
  description: string | null;
  createdAt: number;
}

const VERSION_COLUMNS = {
  version: workflowVersions.version,
  artifactId: workflowVersions.artifactId,
  description: workflowVersions.description,
  createdAt: workflowVersions.createdAt,
};

/** How long this isolate believes what it read of a tag; another isolate may have moved it meanwhile. */
export const TAG_MEMORY_MS = 2_000;

/** Tags that this isolate remembers. */
const TAGS_REMEMBERED_MAX = 1_000;

/** Definitions that this isolate remembers, all together, by an estimate: parsed, one takes some five bytes a character. */
export const ARTIFACTS_REMEMBERED_BYTES_MAX = 16 * 1_048_576;
export const ARTIFACT_BYTES_PER_UNIT = 5;

/** What this isolate remembers; artifacts never change, so they are kept until there are too many. */
const memory = {
  tags: new WeightedCache<{ record: TagRecord; until: number }>(TAGS_REMEMBERED_MAX),
  artifacts: new WeightedCache<JsonObject>(ARTIFACTS_REMEMBERED_BYTES_MAX),
};

export class Workflows {
  readonly #database: DrizzleD1Database;

  constructor(database: DrizzleD1Database) {
    this.#database = database;
  }

  /** Stores a definition under its address (once) and answers with the address. */
  async addArtifact(tenant: string, definition: WorkflowDefinition, nowMs: number): Promise<string> {
    const document = definition as unknown as JsonObject;
    const { id, text } = await contentOf(document);
    const key = `${tenant}/${id}`;
    if (memory.artifacts.get(key) !== undefined) return id;
    // A request is smaller, but canonical numbers are longer than `1e20`.
    if (utf8Length(text) > CONTENT_BYTES_MAX) {
      throw new ApiError(
        "payload_too_large",
        `a workflow may have at most ${CONTENT_BYTES_MAX} bytes as canonical JSON`,
      );
    }
    await this.#database
      .insert(artifacts)
      .values({ tenant, id, content: text, createdAt: nowMs })
      .onConflictDoNothing();
    memory.artifacts.set(key, document, text.length * ARTIFACT_BYTES_PER_UNIT);
    return id;
  }

  async artifact(tenant: string, id: string): Promise<JsonObject | null> {
    const key = `${tenant}/${id}`;
    const known = memory.artifacts.get(key);
    if (known !== undefined) return known;
    const row = await this.#database
      .select({ content: artifacts.content })
      .from(artifacts)
      .where(and(eq(artifacts.tenant, tenant), eq(artifacts.id, id)))
      .get();
    if (row === undefined) return null;
    const document = JSON.parse(row.content) as JsonObject;
    memory.artifacts.set(key, document, row.content.length * ARTIFACT_BYTES_PER_UNIT);
    return document;
  }

  /** The tag as D1 has it. */
  async tag(tenant: string, name: string): Promise<TagRecord | null> {
    const row = await this.#database
      .select()
      .from(tags)
      .where(and(eq(tags.tenant, tenant), eq(tags.name, name)))
      .get();
    if (row === undefined) {
      memory.tags.delete(`${tenant}/${name}`);
      return null;
    }
    const { tenant: _, name: tag, ...rest } = row;
    const record = { tag, ...rest };
    memory.tags.set(`${tenant}/${name}`, { record, until: Date.now() + TAG_MEMORY_MS }, 1);
    return record;
  }

  /** The tag as this isolate last saw it, at most `TAG_MEMORY_MS` ago: what a start uses. */
  async recentTag(tenant: string, name: string): Promise<TagRecord | null> {
    const known = memory.tags.get(`${tenant}/${name}`);
    return known !== undefined && known.until > Date.now() ? known.record : this.tag(tenant, name);
  }

  /** What a tag or an artifact id names, as this isolate last saw it; null when there is nothing. */
  async find(
    tenant: string,
    name: string,
  ): Promise<{ tag: string | null; artifactId: string; definition: WorkflowDefinition } | null> {
    const isId = name.startsWith("sha256:");
    const record = isId ? null : await this.recentTag(tenant, name);
    if (!isId && record === null) return null;
    const artifactId = record?.artifactId ?? name;
    const document = await this.artifact(tenant, artifactId);
    if (document === null) return null;
    return { tag: record?.tag ?? null, artifactId, definition: document as unknown as WorkflowDefinition };
  }

  /** Creates a tag; a conflict when it exists. */
  async createTag(
    tenant: string,
    tag: string,
    artifactId: string,
    description: string | null,
    nowMs: number,
  ): Promise<TagRecord> {
    const times = { createdAt: nowMs, updatedAt: nowMs };
    const row = { tenant, name: tag, artifactId, version: 1, revision: 1, description, ...times };
    const version = { tenant, tag, version: 1, artifactId, description, createdAt: nowMs };
    try {
      // Versions of a tag that was deleted and made anew begin again.
      await this.#database.batch([
        this.#database.insert(tags).values(row),
        this.#database
          .delete(workflowVersions)
          .where(and(eq(workflowVersions.tenant, tenant), eq(workflowVersions.tag, tag))),
        this.#database.insert(workflowVersions).values(version),
      ]);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      const message = `the tag "${tag}" exists; send "replace": true with If-Match to give it a new version`;
      throw new ApiError("conflict", message);
    }
    memory.tags.delete(`${tenant}/${tag}`);
    return { tag, artifactId, version: 1, revision: 1, description, ...times };
  }

  /** Moves a tag to a new version, behind all that it has had, if nobody changed it meanwhile; a failed precondition otherwise. */
  async replaceTag(
    tenant: string,
    current: TagRecord,
    artifactId: string,
    description: string | null,
    nowMs: number,
  ): Promise<TagRecord> {
    const { tag } = current;
    const revision = current.revision + 1;
    const isTag = and(eq(tags.tenant, tenant), eq(tags.name, tag));
    const moved = changedMeanwhile(tag);
    const next = sql`(SELECT max(version) + 1 FROM ${workflowVersions} WHERE tenant = ${tenant} AND tag = ${tag})`;
    let updated: { version: number }[] = [];
    try {
      // If the tag moved meanwhile, the version exists already and both are taken back; if it is gone, nothing is done.
      [updated] = await this.#database.batch([
        this.#database
          .update(tags)
          .set({ artifactId, version: next, revision, description, updatedAt: nowMs })
          .where(and(isTag, eq(tags.revision, current.revision)))
          .returning({ version: tags.version }),
        this.#database.insert(workflowVersions).select(
          this.#database
            .select({
              tenant: tags.tenant,
              tag: tags.name,
              version: tags.version,
              artifactId: tags.artifactId,
              description: tags.description,
              createdAt: tags.updatedAt,
            })
            .from(tags)
            .where(and(isTag, eq(tags.revision, revision))),
        ),
      ]);
    } catch (error) {
      throw isUniqueViolation(error) ? moved : error;
    }
    memory.tags.delete(`${tenant}/${tag}`);
    const [first] = updated;
    if (first === undefined) throw moved;
    return { ...current, artifactId, version: first.version, revision, description, updatedAt: nowMs };
  }

  /** Points a tag to a version that it has had, if nobody changed it meanwhile; a failed precondition otherwise. */
  async pointTag(tenant: string, current: TagRecord, to: VersionRecord, nowMs: number): Promise<TagRecord> {
    const { tag } = current;
    const { artifactId, version, description } = to;
    const change = { artifactId, version, description, revision: current.revision + 1, updatedAt: nowMs };
    const updated = await this.#database
      .update(tags)
      .set(change)
      .where(and(eq(tags.tenant, tenant), eq(tags.name, tag), eq(tags.revision, current.revision)))
      .returning({ name: tags.name });
    memory.tags.delete(`${tenant}/${tag}`);
    if (updated.length === 0) throw changedMeanwhile(tag);
    return { ...current, ...change };
  }

  /**
   * Deletes a tag if its revision is still `expected`; a failed precondition otherwise. Its artifacts and runs stay,
   * and what was started from it goes on.
   */
  async deleteTag(tenant: string, current: TagRecord): Promise<void> {
    const { tag, revision } = current;
    const isTag = and(eq(tags.tenant, tenant), eq(tags.name, tag));
    const left = this.#database.select({ name: tags.name }).from(tags).where(isTag);
    const [deleted] = await this.#database.batch([
      this.#database
        .delete(tags)
        .where(and(isTag, eq(tags.revision, revision)))
        .returning({ name: tags.name }),
      this.#database
        .delete(workflowVersions)
        .where(and(eq(workflowVersions.tenant, tenant), eq(workflowVersions.tag, tag), notExists(left))),
    ]);
    memory.tags.delete(`${tenant}/${tag}`);
    if (deleted.length === 0) throw changedMeanwhile(tag);
  }

  /** Versions of a tag, newest first, those before `before`. */
  async versions(tenant: string, tag: string, before: number | null, limit: number): Promise<VersionRecord[]> {
    const isOlder = before === null ? undefined : lt(workflowVersions.version, before);
    return this.#database
      .select(VERSION_COLUMNS)
      .from(workflowVersions)
      .where(and(eq(workflowVersions.tenant, tenant), eq(workflowVersions.tag, tag), isOlder))
      .orderBy(desc(workflowVersions.version))
      .limit(limit);
  }

  async version(tenant: string, tag: string, version: number): Promise<VersionRecord | null> {
    const isIt = and(
      eq(workflowVersions.tenant, tenant),
      eq(workflowVersions.tag, tag),
      eq(workflowVersions.version, version),
    );
    return (await this.#database.select(VERSION_COLUMNS).from(workflowVersions).where(isIt).get()) ?? null;
  }

  /** The newest version of a tag with an artifact; null when it has had none. */
  async versionWith(tenant: string, tag: string, artifactId: string): Promise<VersionRecord | null> {
    const isIt = and(
      eq(workflowVersions.tenant, tenant),
      eq(workflowVersions.tag, tag),
      eq(workflowVersions.artifactId, artifactId),
    );
    const newestFirst = desc(workflowVersions.version);
    const found = this.#database.select(VERSION_COLUMNS).from(workflowVersions).where(isIt).orderBy(newestFirst);
    return (await found.limit(1).get()) ?? null;
  }

  /** What each tag is about, by name: read from the definitions inside D1, which are large. */
  async listings(tenant: string, limit: number): Promise<WorkflowListing[]> {
    const metadata = (key: string) => sql`json_extract(${artifacts.content}, ${`$.metadata.${key}`})`;
    const isAgent = sql`json_extract(node.value, '$.type') = 'agent'`;
    const nodes = sql`json_each(${artifacts.content}, '$.nodes') AS node`;
    return this.#database
      .select({
        tag: tags.name,
        name: sql<string | null>`${metadata("name")}`,
        description: sql<string | null>`coalesce(${tags.description}, ${metadata("description")})`,
        agents: sql<number>`(SELECT count(*) FROM ${nodes} WHERE ${isAgent})`,
      })
      .from(tags)
      .innerJoin(artifacts, and(eq(artifacts.tenant, tags.tenant), eq(artifacts.id, tags.artifactId)))
      .where(eq(tags.tenant, tenant))
      .orderBy(asc(tags.name))
      .limit(limit);
  }

  /** Tags by name, those after `after`. */
  async list(tenant: string, after: string, limit: number): Promise<TagRecord[]> {
    const rows = await this.#database
      .select()
      .from(tags)
      .where(and(eq(tags.tenant, tenant), gt(tags.name, after)))
      .orderBy(asc(tags.name))
      .limit(limit);
    return rows.map(({ tenant: _, name, ...rest }) => ({ tag: name, ...rest }));
  }
}

function changedMeanwhile(tag: string): ApiError {
  return new ApiError("precondition_failed", `the tag "${tag}" was changed meanwhile`);
}

function isUniqueViolation(error: unknown): boolean {
  const texts = [error, (error as { cause?: unknown }).cause].map((each) =>
    each instanceof Error ? each.message : "",
  );
  return texts.some((text) => text.includes("UNIQUE constraint failed"));
}
