/** `npm run profile`: files that the developer tools open, of a Worker under load. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(path.join(os.tmpdir(), "weir-profile-"));
const profile = (...args: string[]) => spawnSync("node", ["bench/profile-run.ts", ...args], { encoding: "utf8" });

afterAll(() => rmSync(folder, { recursive: true }));

describe("npm run profile", () => {
  test("keeps a CPU profile and a heap snapshot in the formats of the developer tools", () => {
    const { status, stdout, stderr } = profile("--seconds", "2", "--out", folder);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^\d+ runs in 2 s/);
    const content = (extension: string) => {
      const name = readdirSync(folder).find((file) => file.endsWith(extension)) ?? "";
      expect(stdout).toContain(path.join(folder, name));
      return JSON.parse(readFileSync(path.join(folder, name), "utf8"));
    };
    const cpu = content(".cpuprofile");
    expect(cpu.samples.length).toBeGreaterThan(100);
    expect(cpu.samples.length).toBe(cpu.timeDeltas.length);
    // Ours is among what it saw.
    expect(JSON.stringify(cpu.nodes)).toContain("planStart");
    const heap = content(".heapsnapshot");
    expect(heap.snapshot.node_count).toBeGreaterThan(1_000);
    expect(heap.nodes.length).toBe(heap.snapshot.node_count * heap.snapshot.meta.node_fields.length);
  });

  test.each(["0", "301", "soon"])("refuses %s seconds in one line with how it is used", (seconds) => {
    const { status, stderr } = profile("--seconds", seconds, "--out", folder);
    expect(status).toBe(2);
    expect(stderr).toBe(
      `profile: --seconds must be a whole number from 1 to 300, not "${seconds}"\n` +
        "npm run profile -- [--seconds N] [--out FOLDER]   N from 1 to 300 (10); FOLDER: dist/profile\n",
    );
  });
});
