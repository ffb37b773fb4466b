/**
 * Hosts as configuration writes them: `api.example.com`, `api.example.com:8443`, `*.example.com`. Compares them with
 * URLs in normal form, so that no spelling of a host slips past a list or out of a secret's binding.
 */

/** The port that a request to `url` connects to. */
export function effectivePort(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}

/** The host without a final dot, which names the same host. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/\.$/, "");
}

/** A configured `host:port` in normal form, or null when it is not one. */
export function normalHostPort(text: string): string | null {
  const port = /:(\d{1,5})$/.exec(text)?.[1];
  const url = port === undefined ? null : URL.parse(`http://${text}`);
  if (url === null || url.pathname !== "/" || url.username !== "" || url.search !== "" || url.hash !== "") return null;
  return `${bareHost(url)}:${effectivePort(url)}`;
}

/** True when `hosts` lists the host and port of `url` exactly. */
export function listsHostPort(hosts: Iterable<string>, url: URL): boolean {
  const wanted = `${bareHost(url)}:${effectivePort(url)}`;
  for (const host of hosts) {
    if (normalHostPort(host) === wanted) return true;
  }
  return false;
}

/**
 * True when `pattern` covers the host of `url`. `*.example.com` covers every name below example.com, not itself. With a
 * port it covers that port alone; without one, `anyPort` decides between every port and the scheme's own.
 */
export function coversHost(pattern: string, url: URL, anyPort: boolean): boolean {
  const wildcard = pattern.startsWith("*.");
  const text = (wildcard ? pattern.slice(2) : pattern).trim();
  const hasPort = /:\d{1,5}$/.test(text);
  const listed = URL.parse(`http://${text}`);
  if (listed === null || listed.pathname !== "/" || listed.username !== "" || listed.hostname === "") return false;
  const host = bareHost(listed);
  if (wildcard ? !bareHost(url).endsWith(`.${host}`) : bareHost(url) !== host) return false;
  return hasPort ? effectivePort(listed) === effectivePort(url) : anyPort || url.port === "";
}
