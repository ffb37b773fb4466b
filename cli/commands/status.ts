/** `weir status`: health of every service. */
import { Command } from "@commander-js/extra-typings";
import { duration } from "#kernel/duration.ts";
import { contextOf } from "../context.ts";
import { EXIT } from "../failure.ts";
import { fields, type Style } from "../output.ts";
import { table } from "../table.ts";

const STYLES: Readonly<Record<string, Style>> = { ok: "green", degraded: "yellow", down: "red", disabled: "dim" };

export const status = new Command("status")
  .description("health of every service; exit code 1 when one that is needed is down")
  .action(async (_options, command) => {
    const context = contextOf(command);
    const { weir, output, signal } = context;
    const { paint } = output;
    const ready = await weir.ready({ signal });
    const styled = (name: string) => (text: string) => paint(STYLES[name] ?? "bold", text);
    output.answer(ready, {
      pretty: () => [
        `weir ${ready.version} at ${context.connection.url}: ${styled(ready.status)(ready.status)}`,
        "",
        ...table(
          [
            { title: "service" },
            { title: "status" },
            { title: "answers in", align: "right" },
            { title: "", mayShrink: true },
          ],
          Object.entries(ready.components).map(([name, component]) => [
            name,
            { text: component.status, paint: styled(component.status) },
            component.status === "disabled" ? "" : duration(component.latency_ms),
            component.detail ?? "",
          ]),
          output.width,
          (text) => paint("dim", text),
        ),
      ],
      compact: () =>
        Object.entries(ready.components).map(([name, each]) => fields(name, each.status, each.latency_ms, each.detail)),
    });
    if (ready.status === "down") process.exitCode = EXIT.failed;
  });
