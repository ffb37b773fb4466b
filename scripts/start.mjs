/**
 * `npm start` and `npm run dev` (`--watch`): Weir on this machine. Only the door: checks Node, then hands over to
 * `local-runtime/start.mjs`, whose imports need it.
 */

const NODE_NEEDED = 22;

if (Number(process.versions.node.split(".")[0]) < NODE_NEEDED) {
  process.stderr.write(
    `weir: this is Node ${process.versions.node}; run \`npm start\`, which uses the Node ${NODE_NEEDED}+ that \`npm ci\` brings\n`,
  );
  process.exit(2);
}

// Set before wrangler and Miniflare are loaded, which read them at once: nothing here needs the network or reports home.
process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
process.env.WRANGLER_SEND_METRICS = "false";
process.env.WRANGLER_HIDE_BANNER = "true";
process.env.X_LOCAL_OBSERVABILITY = "false";

const { start } = await import("./local-runtime/start.mjs");
await start({ environment: process.env, isWatching: process.argv.includes("--watch") });
