/** How budgets look when they are told of. */
import type { Budgets } from "../client/weir.ts";
import { fields, type Looks, type Output } from "./output.ts";
import { table } from "./table.ts";

export function budgetLooks({ items }: Budgets, { paint, width }: Output): Looks {
  return {
    pretty: () =>
      items.length === 0
        ? ["no budgets: model calls may cost what they cost"]
        : table(
            [
              { title: "of" },
              { title: "which" },
              { title: "limit", align: "right" },
              { title: "spent", align: "right" },
              { title: "reserved", align: "right" },
              { title: "status" },
              { title: "spent most", mayShrink: true },
            ],
            items.map((each) => [
              each.scope,
              each.key ?? "each",
              usd(each.limit_usd),
              usd(each.spent_usd),
              usd(each.reserved_usd),
              each.status,
              each.spent_by ?? "",
            ]),
            width,
            (text) => paint("dim", text),
          ),
    compact: () =>
      items.map((each) =>
        fields(each.scope, each.key, each.limit_usd, each.spent_usd, each.reserved_usd, each.status, each.spent_by),
      ),
  };
}

function usd(amount: number): string {
  return `$${amount.toFixed(amount !== 0 && Math.abs(amount) < 0.01 ? 6 : 2)}`;
}
