import { describe, expect, test } from "vitest";
import { AGENT_TURNS_DEFAULT, AGENT_TURNS_MAX } from "#workflow/limits.ts";
import { agentConfig, agentTaskConfig } from "#workflow/node-configs.ts";

describe("an agent's config", () => {
  test("as saved may hold templates where a task holds numbers", () => {
    const saved = { task: "x", max_turns: "$inputs.turns", temperature: "$inputs.heat", budget_usd: "$inputs.budget" };
    expect(agentConfig.safeParse(saved).success).toBe(true);
    for (const name of ["max_turns", "temperature", "budget_usd"] as const) {
      const rendered = { task: "x", max_turns: 1, [name]: saved[name] };
      expect(agentTaskConfig.safeParse(rendered).error?.issues.map(({ path }) => path)).toEqual([[name]]);
    }
  });

  test("as a task carries it is what was saved, with its defaults and the names of secrets", () => {
    const parsed = agentConfig.parse({ task: "x" });
    expect(agentTaskConfig.parse({ ...parsed, secrets: ["A"] })).toEqual({
      task: "x",
      max_turns: AGENT_TURNS_DEFAULT,
      on_budget: "fail",
      secrets: ["A"],
    });
    expect(agentTaskConfig.safeParse({ ...parsed, max_turns: AGENT_TURNS_MAX }).success).toBe(true);
    expect(agentTaskConfig.safeParse({ ...parsed, max_turns: AGENT_TURNS_MAX + 1 }).success).toBe(false);
    expect(agentTaskConfig.safeParse({ ...parsed, shell: true }).success).toBe(false);
  });
});
