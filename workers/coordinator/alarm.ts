/** The single alarm of a Durable Object as "wake me no later than": setting it costs a write, so only when earlier. */

export class Alarm {
  readonly #storage: DurableObjectStorage;
  #at: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Learns what is set; once, when the object wakes. */
  async restore(): Promise<void> {
    this.#at = await this.#storage.getAlarm();
  }

  /** The alarm went off: none is set now. Answers how late it did, in milliseconds. */
  fired(): number {
    const lateMs = Math.max(0, Date.now() - (this.#at ?? Date.now()));
    this.#at = null;
    return lateMs;
  }

  noLaterThan(at: number): void {
    if (this.#at !== null && this.#at <= at) return;
    this.#at = at;
    void this.#storage.setAlarm(at);
  }
}
