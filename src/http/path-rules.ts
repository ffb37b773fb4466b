/**
 * What paths and queries may not hold: ways up a directory tree, system and environment files, drive letters. They
 * guard servers behind a URL that a workflow's data had a part in.
 */

/** Times a text is percent-decoded before it passes: once by the server, once more by what stands behind it. */
export const PATH_DECODINGS = 2;

const FORBIDDEN: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\.\.\//, "../"],
  [/(?:^|[/=&?])\.\.(?:$|[?#&;])/, "../"],
  [/\/etc\//i, "/etc/"],
  [/\/proc\//i, "/proc/"],
  [/\/\.env/i, "/.env"],
  [/(?:^|[^a-z0-9])[a-z]:\//i, "a drive letter"],
];

/**
 * Names the first forbidden part of a path or query, or null. Looks at the text as given, decoded once and decoded
 * twice, with backslashes read as slashes.
 */
export function pathObjection(text: string): string | null {
  let decoded = text;
  for (let decodings = 0; decodings <= PATH_DECODINGS; decodings++) {
    if (decodings > 0) decoded = percentDecode(decoded);
    const slashed = decoded.replaceAll("\\", "/");
    const found = FORBIDDEN.find(([pattern]) => pattern.test(slashed));
    if (found !== undefined) return found[1];
  }
  return null;
}

/** Decodes byte by byte and never fails; overlong UTF-8 of ASCII, which lax decoders accept, is read as they do. */
function percentDecode(text: string): string {
  return text
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/([\xc0\xc1])([\x80-\xbf])/g, (_, lead: string, trail: string) =>
      String.fromCharCode(((lead.charCodeAt(0) & 1) << 6) | (trail.charCodeAt(0) & 0x3f)),
    );
}
