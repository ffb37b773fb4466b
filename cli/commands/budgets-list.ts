/** `weir budgets list`: budgets and what is used of them. */
import { Command } from "@commander-js/extra-typings";
import { budgetLooks } from "../budget-report.ts";
import { contextOf } from "../context.ts";

export const budgetsList = new Command("list")
  .alias("ls")
  .description("budgets and what is used of them")
  .action(async (_options, command) => {
    const { weir, output, signal } = contextOf(command);
    const budgets = await weir.money.budgets({ signal });
    output.answer(budgets, budgetLooks(budgets, output));
  });
