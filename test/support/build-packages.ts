/** Before the end-to-end tests: the command line and the client as they are now, not as they were installed. */
import { buildClient, buildCommandLine } from "../../scripts/build-packages.mjs";

export async function setup(): Promise<void> {
  await Promise.all([buildCommandLine("dist/cli/weir.mjs"), buildClient("dist/client/weir.mjs")]);
}
