/** One invocation of the Worker: what it leaves to `waitUntil` goes on as long as the invocation is not lost. */
import { Owner } from "./timeline.ts";

export class Invocation extends Owner {
  /** What it was handed, when a queue began it: nothing of it is settled before all of it is. */
  bodies: readonly unknown[] = [];
  /** Ends it in the middle of what it does; set by whoever began it. */
  lose: () => void = () => undefined;

  waitUntil(work: Promise<unknown>): void {
    // Nobody hears of what fails there.
    void work.catch(() => undefined);
  }
}
