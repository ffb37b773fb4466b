/** A reason not to start that its reader can act on: one line and an exit code, never a stack trace. */

/** The settings or the surroundings do not allow a start; nothing is wrong with the code. */
export const EXIT_REFUSED = 2;

export class StartRefusal extends Error {
  /** @param {string} message One line that says what to change. */
  constructor(message, exitCode = EXIT_REFUSED) {
    super(message);
    this.exitCode = exitCode;
  }
}
