/** `weir budgets`: what model calls may cost. */
import { Command } from "@commander-js/extra-typings";
import { budgetsList } from "./budgets-list.ts";
import { budgetsSet } from "./budgets-set.ts";

export const budgets = new Command("budgets")
  .description("what model calls may cost, and what is used of it")
  .addCommand(budgetsList)
  .addCommand(budgetsSet);
