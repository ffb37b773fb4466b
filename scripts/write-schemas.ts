/** `npm run schemas`: writes `schemas/`, for those who have the project and no running Weir. A test tells when it is old. */
import { writeFileSync } from "node:fs";
import { workflowJsonSchema } from "#workflow/document-schema.ts";

const FILE = new URL("../schemas/workflow.schema.json", import.meta.url);

writeFileSync(FILE, `${JSON.stringify(workflowJsonSchema(), null, 2)}\n`);
