/** Which methods a path takes, read from the routes themselves: for 405 and its `Allow` header (RFC 9110, 15.5.6). */

export function methodsOf(routes: readonly { method: string; path: string }[], path: string): string[] {
  const methods = new Set<string>();
  for (const route of routes) {
    if (route.method !== "ALL" && matches(route.path, path)) methods.add(route.method);
  }
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods].sort();
}

function matches(pattern: string, path: string): boolean {
  const expected = pattern.split("/");
  const actual = path.split("/");
  return (
    expected.length === actual.length &&
    expected.every((part, index) => (part.startsWith(":") ? actual[index] !== "" : part === actual[index]))
  );
}
