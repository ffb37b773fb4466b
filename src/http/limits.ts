/** Bounds of outgoing HTTP. Each has a test at its edge; those of a node's config stand in `#workflow/limits.ts`. */

/** Bytes of an answer's body, counted after decompression. */
export const ANSWER_BYTES_MAX = 5 * 1_048_576;

/** Bytes of a request's body, counted in UTF-8 once its secrets are in. */
export const PAYLOAD_BYTES_MAX = 1_048_576;

/** Bytes of all header names and values that one node sends. */
export const REQUEST_HEADER_BYTES_MAX = 32_768;

/** Redirects that one request follows. */
export const REDIRECTS_MAX = 5;

/** Characters of an unexpected answer's body that its error quotes. */
export const SNIPPET_LENGTH_MAX = 500;

/** Bytes of an unexpected answer's body that are read to make the snippet. */
export const SNIPPET_BYTES_MAX = 65_536;

/** Shorter values cannot be told from ordinary text when an echo is looked for. */
export const SECRET_LENGTH_MIN = 6;

/** References to secrets in one request: many references to a long one would make a huge payload. */
export const SECRET_REFERENCES_MAX = 100;

/** Bytes of one DNS over HTTPS answer. */
export const DNS_ANSWER_BYTES_MAX = 65_536;

/** How long one DNS over HTTPS lookup may take, in milliseconds. */
export const DNS_TIMEOUT_MS = 5_000;
