/** Conditional requests (RFC 9110, 13.1): whether an entity tag is among those that a header names. */

/** `If-Match`, by strong comparison; `*` matches whatever is there. `etag` is undefined when nothing is. */
export function isMatch(header: string, etag: string | undefined): boolean {
  return etag !== undefined && tagsOf(header).some((tag) => tag === "*" || tag === etag);
}

/** `If-None-Match`, by weak comparison: true when the caller has what would be answered (304). */
export function isFresh(header: string | undefined, etag: string): boolean {
  return header !== undefined && tagsOf(header).some((tag) => tag === "*" || tag.replace(/^W\//, "") === etag);
}

function tagsOf(header: string): string[] {
  return header.match(/\*|(?:W\/)?"[^"]*"/g) ?? [];
}
