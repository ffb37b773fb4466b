/** Whether a key still is one, as whoever holds something open asks; and tickets, which are made from keys. */
import { expect, test } from "vitest";
import { KeyWatch, WATCH_TTL_MS } from "#access/key-watch.ts";
import type { KnownKey } from "#access/known-keys.ts";
import { OPERATOR, type Principal } from "#access/scopes.ts";
import { SocketTickets, TICKET_LIFETIME_MS } from "#access/socket-tickets.ts";

const principal: Principal = { keyId: "key_1", tenant: "t", scopes: new Set(["read", "write"]) };

function watch(found: () => Promise<KnownKey | null>) {
  const asked = { times: 0, nowMs: 0 };
  const keyWatch = new KeyWatch({
    findById: () => {
      asked.times += 1;
      return found();
    },
    clock: { nowMs: () => asked.nowMs },
  });
  return { asked, isLive: () => keyWatch.isLive(principal), keyWatch };
}

test("a key that was revoked or has expired is none once what was read of it is too old", async () => {
  let key: KnownKey | null = { principal, expiresAt: null };
  const { asked, isLive } = watch(async () => key);
  expect([await isLive(), await isLive(), asked.times]).toEqual([true, true, 1]);
  key = null;
  asked.nowMs = WATCH_TTL_MS - 1;
  expect([await isLive(), asked.times]).toEqual([true, 1]);
  asked.nowMs = WATCH_TTL_MS;
  expect([await isLive(), asked.times]).toEqual([false, 2]);
  key = { principal, expiresAt: 3 * WATCH_TTL_MS };
  asked.nowMs = 2 * WATCH_TTL_MS;
  expect(await isLive()).toBe(true);
  asked.nowMs = 3 * WATCH_TTL_MS;
  expect(await isLive()).toBe(false);
});

test("when the database does not answer nobody is cut off, and the operator's key is not looked for", async () => {
  const { asked, isLive, keyWatch } = watch(() => Promise.reject(new Error("busy")));
  expect([await isLive(), asked.times]).toEqual([true, 1]);
  expect([await keyWatch.isLive(OPERATOR), asked.times]).toEqual([true, 1]);
});

test("a ticket says whose it is and allows reading, for half a minute, and only where it was made", async () => {
  const tickets = new SocketTickets("weir_secret-of-this-place");
  const { ticket, expiresAt } = await tickets.issue(principal, 1_000);
  expect(expiresAt).toBe(1_000 + TICKET_LIFETIME_MS);
  expect(await tickets.open(ticket, expiresAt - 1)).toMatchObject({
    principal: { keyId: "key_1", tenant: "t", scopes: new Set(["read"]) },
    expiresAt,
  });
  expect(await tickets.open(ticket, expiresAt)).toBeNull();
  expect(await new SocketTickets("weir_secret-of-another").open(ticket, 1_000)).toBeNull();
  expect(await tickets.open(`${ticket}x`, 1_000)).toBeNull();
  const again = await tickets.issue(principal, 1_000);
  expect(again.ticket).not.toBe(ticket);
});
