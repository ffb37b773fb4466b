/**
 * Makes `src/agent/price-table.json` from the price list of @pydantic/genai-prices: text prices of the vendors' own
 * model ids, small enough to ship. Run by `npm run prices` after that package was updated; a test says when it is due.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findProvider } from "@pydantic/genai-prices";

/** The release that the table is made from, and the day it was published: a price without a date is a rumour. */
const RELEASE = { version: "0.1.8", date: "2026-09-23" };

/** Vendors whose model ids are their own. Of models that many hosts offer under one id there is no one price. */
const VENDORS = ["openai", "anthropic", "google", "mistral", "deepseek", "x-ai", "cohere", "moonshotai"];

/** Google's list also holds what it resells. */
const RESOLD = /claude|llama|mistral/;

const FIELDS = ["input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok"];

/**
 * @typedef {(number | null)[]} Rates USD a million tokens: input, cached, cache write, output; null: as input.
 * @typedef {{ from?: string, rates: Rates, above?: [number, Rates][] }} Price
 * @typedef {{ price_version: string, models: Record<string, number>, prefixes: [string, number][], prices: Price[][] }} Table
 */

/** @returns {Promise<Table>} */
export async function makePriceTable() {
  const installed = JSON.parse(
    await readFile(new URL("../node_modules/@pydantic/genai-prices/package.json", import.meta.url), "utf8"),
  );
  if (installed.version !== RELEASE.version) {
    throw new Error(`genai-prices is ${installed.version}: put it and its date into RELEASE of generate-prices.mjs`);
  }
  /** @type {Table} */
  const table = {
    price_version: `genai-prices-${RELEASE.version} (${RELEASE.date})`,
    models: {},
    prefixes: [],
    prices: [],
  };
  for (const vendor of VENDORS) {
    for (const model of findProvider({ providerId: vendor })?.models ?? []) {
      if (vendor === "google" && RESOLD.test(model.id)) continue;
      const prices = pricesOf(model.prices);
      if (prices.length === 0) continue;
      const index = table.prices.push(prices) - 1;
      for (const { name, isPrefix } of namesOf(model.match)) {
        if (isPrefix) table.prefixes.push([name, index]);
        else table.models[name] ??= index;
      }
    }
  }
  // The longest prefix says most about a model.
  table.prefixes.sort((left, right) => right[0].length - left[0].length || (left[0] < right[0] ? -1 : 1));
  return table;
}

/**
 * Versions of a price by the day they began. A price by the hour of the day counts as its dearest.
 * @param {any} prices @returns {Price[]}
 */
function pricesOf(prices) {
  const versions = (Array.isArray(prices) ? prices : [{ prices }]).filter(
    ({ prices }) => "input_mtok" in prices && "output_mtok" in prices,
  );
  /** @type {Price[]} */
  const made = [];
  for (const { constraint, prices } of versions) {
    const price = priceOf(prices);
    const last = made.at(-1);
    if (constraint?.type === "start_date") made.push({ from: constraint.start_date, ...price });
    else if (constraint?.type === "time_of_date" && last !== undefined) Object.assign(last, price);
    else made.push(price);
  }
  return made;
}

/** @param {Record<string, any>} prices @returns {Price} */
function priceOf(prices) {
  const rate = (/** @type {string} */ field, /** @type {number | null} */ start) => {
    const value = prices[field];
    if (value === undefined) return null;
    if (typeof value === "number") return value;
    return start === null ? value.base : value.tiers.find((/** @type {any} */ tier) => tier.start === start).price;
  };
  const starts = [
    ...new Set(FIELDS.flatMap((field) => prices[field]?.tiers?.map((/** @type {any} */ tier) => tier.start) ?? [])),
  ];
  const base = { rates: FIELDS.map((field) => rate(field, null)) };
  if (starts.length === 0) return base;
  return {
    ...base,
    above: starts.sort((a, b) => a - b).map((start) => [start, FIELDS.map((field) => rate(field, start))]),
  };
}

/** @param {any} match @returns {{ name: string, isPrefix: boolean }[]} */
function namesOf(match) {
  if (match.or !== undefined) return match.or.flatMap(namesOf);
  if (match.and !== undefined) return match.and.filter((/** @type {any} */ part) => part.starts_with).flatMap(namesOf);
  if (match.equals !== undefined) return [{ name: match.equals, isPrefix: false }];
  // "Contains" is for ids with something in front, which `priceOf` takes off; as a prefix it says what it means.
  const prefix = match.starts_with ?? match.contains;
  if (prefix !== undefined) return [{ name: prefix, isPrefix: true }];
  return match.ends_with === undefined ? [] : [{ name: match.ends_with, isPrefix: false }];
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = path.join(path.dirname(fileURLToPath(import.meta.url)), "../src/agent/price-table.json");
  const table = await makePriceTable();
  await writeFile(file, `${JSON.stringify(table)}\n`);
  process.stdout.write(`${table.prices.length} prices, ${Object.keys(table.models).length} ids: ${file}\n`);
}
