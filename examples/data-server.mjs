/**
 * A loopback server with real datasets (package vega-datasets) as JSON, for examples and tests that need an HTTP
 * source and no network. `node examples/data-server.mjs [port]` runs it alone.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const DATA = path.join(path.dirname(fileURLToPath(import.meta.url)), "../node_modules/vega-datasets/data");

/** Path → file of the package. A CSV becomes a list of objects whose numbers are numbers. */
const DATASETS = /** @type {const} */ ({
  "/flights.json": "flights-2k.json",
  "/weather.json": "seattle-weather.csv",
  "/airports.json": "airports.csv",
  "/earthquakes.json": "earthquakes.json",
  "/stocks.json": "stocks.csv",
});

/** @typedef {{ body: Buffer, etag: string }} Document */

/** @param {string} pathname @returns {Promise<Document> | null} */
function loadDocument(pathname) {
  if (!Object.hasOwn(DATASETS, pathname)) return null;
  const file = DATASETS[/** @type {keyof typeof DATASETS} */ (pathname)];
  return readFile(path.join(DATA, file), "utf8").then((text) => {
    const body = Buffer.from(file.endsWith(".csv") ? JSON.stringify(parseCsv(text)) : text);
    return { body, etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"` };
  });
}

/**
 * Rows of a CSV text (RFC 4180) as objects named by its first line; a cell that is a number becomes one.
 * @param {string} text
 * @returns {Record<string, string | number>[]}
 */
export function parseCsv(text) {
  const [header = [], ...rows] = text
    .split(/\r?\n/)
    .filter((line) => line !== "")
    .map(cellsOf);
  return rows.map((cells) =>
    Object.fromEntries(header.map((name, column) => [name, numberOrText(cells[column] ?? "")])),
  );
}

/** @param {string} line A line without line breaks inside its quotes. */
function cellsOf(line) {
  // Each cell begins with a comma here, so that an empty first one matches like any other.
  return [...`,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, bare]) =>
    quoted === undefined ? (bare ?? "") : quoted.replaceAll('""', '"'),
  );
}

/** @param {string} cell */
function numberOrText(cell) {
  return /^-?\d+(\.\d+)?$/.test(cell) ? Number(cell) : cell;
}

/**
 * Listens on the loopback. Port 0 picks a free one.
 * @param {{ port?: number }} [options]
 * @returns {Promise<{ url: string, port: number, close(): Promise<void> }>}
 */
export async function startDataServer({ port = 0 } = {}) {
  /** @type {Map<string, Promise<Document>>} */
  const documents = new Map();
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (request.method !== "GET" && request.method !== "HEAD") {
      answer(response, 405, { error: `${request.method} is not served, only GET and HEAD` }, { allow: "GET, HEAD" });
      return;
    }
    const loading = documents.get(pathname) ?? loadDocument(pathname);
    if (loading === null) {
      const known = Object.keys(DATASETS);
      answer(response, 404, { error: `there is no ${pathname} here`, available: known });
      return;
    }
    documents.set(pathname, loading);
    const { body, etag } = await loading;
    if (request.headers["if-none-match"]?.split(/\s*,\s*/).includes(etag)) {
      response.writeHead(304, { etag }).end();
      return;
    }
    response.writeHead(200, { "content-type": "application/json", "content-length": body.byteLength, etag });
    response.end(request.method === "HEAD" ? undefined : body);
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(undefined));
  });
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * @param {import("node:http").ServerResponse} response
 * @param {number} status
 * @param {unknown} value
 * @param {Record<string, string>} [headers]
 */
function answer(response, status, value, headers = {}) {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { "content-type": "application/json", "content-length": body.byteLength, ...headers });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { url } = await startDataServer({ port: Number(process.argv[2] ?? 8788) });
  process.stdout.write(`datasets on ${url}: ${Object.keys(DATASETS).join(" ")}\n`);
}
