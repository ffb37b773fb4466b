/** The part of the platform's `fetch` that outgoing HTTP uses, so that tests and other transports can stand in. */

export interface FetchOptions {
  method?: string;
  headers?: Headers | Record<string, string>;
  body?: string;
  redirect?: "manual";
  signal?: AbortSignal;
}

/** Called without a receiver, as Workers demand of `fetch`. */
export type Fetch = (url: string, options: FetchOptions) => Promise<Response>;
