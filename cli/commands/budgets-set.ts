/** `weir budgets set`: what model calls of a run, a workflow, a day or a month may cost. */
import { Argument, Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { BUDGET_SCOPES } from "#store/limiter/protocol.ts";
import { budgetLooks } from "../budget-report.ts";
import { contextOf } from "../context.ts";

export const budgetsSet = new Command("set")
  .description("set a budget; none takes it away")
  .addArgument(new Argument("<scope>", "what it is for").choices(BUDGET_SCOPES))
  .argument("<usd>", "a number, or none", limit)
  .option("--of <id>", "one run or workflow; by default each of them")
  .action(async (scope, usd, options, command) => {
    const { weir, output, signal } = contextOf(command);
    const order = { scope, limit_usd: usd, ...(options.of === undefined ? {} : { key: options.of }) };
    const budgets = await weir.money.setBudget(order, { signal });
    output.answer(budgets, budgetLooks(budgets, output));
  });

function limit(text: string): number | null {
  if (text === "none") return null;
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError("it must be an amount in USD such as 2.50, or none.");
}
