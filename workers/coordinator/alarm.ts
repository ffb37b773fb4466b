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

  /** The alarm went off: none is set now. */
  fired(): void {
    this.#at = null;
  }

  noLaterThan(at: number): void {
    if (this.#at !== null && this.#at <= at) return;
    this.#at = at;
    void this.#storage.setAlarm(at);
  }
}
