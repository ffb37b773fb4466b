/** Finds a port, and tells whether one can be had, before anything is started on it. */
import { createServer } from "node:net";
import { StartRefusal } from "./start-refusal.mjs";

/**
 * A port that can be listened on: the one asked for, or a free one for 0. Refuses when there is none.
 * @param {string} host
 * @param {number} port
 */
export async function claimPort(host, port) {
  const found = await tryPort(host, port);
  if (typeof found === "number") return found;
  const where = port === 0 ? host : `${host}:${port}`;
  switch (found.code) {
    case "EADDRINUSE":
      throw new StartRefusal(
        `port ${port} on ${host} is in use; stop what listens there or set PORT (0: any free one)`,
      );
    case "EACCES":
      throw new StartRefusal(`port ${port} on ${host} needs rights that this user does not have; set PORT`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      throw new StartRefusal(`HOST ${host} is not an address of this machine`);
    default:
      throw new StartRefusal(`cannot listen on ${where}: ${found.message}`);
  }
}

/** The first of these ports that is free, else any free one. @param {string} host @param {number[]} wished */
export async function firstFreePort(host, wished) {
  for (const port of wished) {
    if (typeof (await tryPort(host, port)) === "number") return port;
  }
  return claimPort(host, 0);
}

/** @param {string} host @param {number} port @returns {Promise<number | NodeJS.ErrnoException>} */
function tryPort(host, port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host: host.replace(/^\[|\]$/g, ""), port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : port));
    });
  });
}
