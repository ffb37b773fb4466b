/** A file with a workflow: the definition alone, or with its tag and description as those in `examples/`. */
import { readJsonFile } from "./documents.ts";

export interface WorkflowFile {
  definition: unknown;
  tag: string | null;
  description: string | null;
}

export function readWorkflowFile(file: string): WorkflowFile {
  const document = readJsonFile(file);
  const wrapper = document as { workflow?: unknown; nodes?: unknown; tag?: unknown; description?: unknown } | null;
  const isWrapped = typeof wrapper?.workflow === "object" && wrapper.workflow !== null && wrapper.nodes === undefined;
  if (!isWrapped) return { definition: document, tag: null, description: null };
  return {
    definition: wrapper.workflow,
    tag: typeof wrapper.tag === "string" ? wrapper.tag : null,
    description: typeof wrapper.description === "string" ? wrapper.description : null,
  };
}
