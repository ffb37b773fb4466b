/** Calls the local Weir's public API with the operator key, as anybody else would. */

/** @typedef {{ status: number, headers: Headers, body: any }} Answer */

const TIMEOUT_MS = 40_000;

export class ApiClient {
  /** @param {string} origin @param {string} key */
  constructor(origin, key) {
    this.origin = origin;
    this.key = key;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body] Sent as JSON.
   * @param {Record<string, string>} [headers]
   * @returns {Promise<Answer>} Whatever the status; rejects when there is no answer.
   */
  async call(method, path, body, headers = {}) {
    const response = await fetch(`${this.origin}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: jsonOrText(text) };
  }
}

/** Says in one line what an unexpected answer said. @param {Answer} answer */
export function describeAnswer({ status, body }) {
  const error = body?.error;
  if (error === undefined) return `HTTP ${status}`;
  const details = Array.isArray(error.details)
    ? error.details.map((/** @type {any} */ detail) => ` ${detail.pointer ?? ""} ${detail.message ?? ""}`).join(";")
    : "";
  return `HTTP ${status} ${error.code}: ${error.message}${details}`;
}

/** @param {string} text */
function jsonOrText(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
