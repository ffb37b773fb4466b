/** The tool `search_tools`: what this tenant can use, by words. The catalogue and its ranking are `catalogue.ts`. */
import { z } from "zod";
import { searchCatalogue } from "./catalogue.ts";
import { defineTool } from "./define-tool.ts";
import { SEARCH_LIMIT_DEFAULT, SEARCH_LIMIT_MAX, SEARCH_QUERY_LENGTH_MAX, SEARCHED_WORKFLOWS_MAX } from "./limits.ts";

export const searchTools = defineTool({
  name: "search_tools",
  arguments: z.strictObject({
    query: z.string().min(1).max(SEARCH_QUERY_LENGTH_MAX),
    limit: z.int().min(1).max(SEARCH_LIMIT_MAX).default(SEARCH_LIMIT_DEFAULT),
  }),
  example: { query: "summarise a web page", limit: 5 },
  readsOnly: () => true,
  async run({ query, limit }, context) {
    const workflows = await context.ports.workflows(SEARCHED_WORKFLOWS_MAX);
    const { found, matches } = await searchCatalogue(query, limit, workflows.slice(0, SEARCHED_WORKFLOWS_MAX));
    return { ok: true, result: { matches, found } };
  },
});
