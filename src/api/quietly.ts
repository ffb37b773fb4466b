/** Says something to a socket that may be gone already; its own end tells so. */
export function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // Nothing is left to tell it to.
  }
}
