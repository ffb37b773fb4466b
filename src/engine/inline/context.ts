/** What an inline node may use besides its config. */
import type { Scope } from "../scope.ts";

export interface InlineContext {
  scope: Scope;
  nowMs: number;
  uuid(): string;
  /** A condition reads a field that is not there. */
  missing(condition: string): void;
}
