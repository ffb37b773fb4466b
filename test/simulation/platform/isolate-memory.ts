/** What the isolate remembers beside its objects: gone when the process dies, and before every scenario. */
import * as workflows from "#store/workflows.ts";

export function forgetIsolate(): void {
  // The module hooks gave it this function.
  (workflows as unknown as { forgetWorkflows(): void }).forgetWorkflows();
}
