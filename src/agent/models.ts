/** Which model answers for a name: the configured provider's, or the built-in one where nothing is configured. */
import type { Fetch } from "#http/fetch.ts";
import type { Clock } from "#kernel/clock.ts";
import { demoModel } from "./demo-model.ts";
import { DEMO_MODEL } from "./demo-name.ts";
import type { Model } from "./model.ts";
import { OpenAiModel } from "./openai-model.ts";

export const OPENAI_BASE_URL_DEFAULT = "https://api.openai.com/v1";
export const MODEL_DEFAULT = "gpt-5-mini";

export interface ModelSettings {
  /** Empty: none is set. */
  apiKey: string;
  baseUrl: string;
  model: string;
  isStreamed: boolean;
}

export class Models {
  readonly #settings: ModelSettings;
  readonly #provider: Model | null;

  constructor(settings: ModelSettings, fetch: Fetch, clock: Clock) {
    this.#settings = settings;
    const { apiKey, baseUrl, isStreamed } = settings;
    this.#provider =
      apiKey === "" && baseUrl === ""
        ? null
        : new OpenAiModel(
            // Servers at home often want no key, and the SDK wants some.
            { apiKey: apiKey || "none", baseUrl: baseUrl || OPENAI_BASE_URL_DEFAULT, isStreamed },
            fetch,
            clock,
          );
  }

  get hasProvider(): boolean {
    return this.#provider !== null;
  }

  /** `asked` null: whatever is configured. */
  choose(asked: string | null): { model: Model; name: string } {
    if (this.#provider === null || asked === DEMO_MODEL) return { model: demoModel, name: DEMO_MODEL };
    return { model: this.#provider, name: asked ?? (this.#settings.model || MODEL_DEFAULT) };
  }
}
