/**
 * The folder of all persistent state (`.weir`): that it can be written, that one start has it at a time, the operator
 * key, and the few things that a start remembers for the next. What workerd keeps below `resources/` is its own.
 */
import { randomBytes } from "node:crypto";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { StartRefusal } from "./start-refusal.mjs";

/**
 * @typedef {import("./processes.mjs").ProcessIdentity} ProcessIdentity
 *
 * @typedef {object} Memory What one start tells the next.
 * @property {number} [holder] Process that has the folder.
 * @property {ProcessIdentity} [workerd] Its runtime, to end if it outlived it.
 * @property {number} [examplesPort] Port of the examples' data server.
 * @property {string} [url] Where it serves; the command line looks here.
 * @property {number | null} [inspectorPort] Where a debugger may attach.
 */

const KEY_BYTES = 32;
const LOCK_WAIT_MS = 2_000;
const LOCK_POLL_MS = 50;

export class StateFolder {
  /** @type {DatabaseSync | null} */
  #lock = null;

  /** @param {string} folder Absolute. */
  constructor(folder) {
    this.path = folder;
  }

  /** Where workerd keeps databases and objects. */
  get resources() {
    return path.join(this.path, "resources");
  }

  /** Makes the folder and takes it for this process; refuses when that cannot be. */
  async open() {
    try {
      makeFolders(this.resources);
      accessSync(this.path, constants.W_OK | constants.X_OK);
      this.#lock = new DatabaseSync(path.join(this.path, "lock"));
    } catch (error) {
      throw new StartRefusal(`the state folder ${this.path} cannot be written: ${reason(error)}`);
    }
    const lock = this.#lock;
    // The one before may still be stopping: `npm start` can end a moment earlier than what it started.
    for (const until = Date.now() + LOCK_WAIT_MS; !takeLock(lock); await sleep(LOCK_POLL_MS)) {
      if (Date.now() < until) continue;
      this.close();
      const { holder } = this.memory();
      const who = holder === undefined ? "another start of Weir" : `process ${holder}`;
      throw new StartRefusal(`the state folder ${this.path} is in use by ${who}; stop it or set WEIR_STATE`);
    }
    this.remember({ holder: process.pid });
  }

  /** Lets another start have the folder. */
  close() {
    this.#lock?.close();
    this.#lock = null;
  }

  /** @returns {Memory} Empty when nothing readable is there: all of it can be found out again. */
  memory() {
    try {
      const memory = JSON.parse(readFileSync(this.#memoryPath, "utf8"));
      return typeof memory === "object" && memory !== null ? memory : {};
    } catch {
      return {};
    }
  }

  /** @param {Partial<Memory>} change */
  remember(change) {
    const next = `${this.#memoryPath}.next`;
    writeFileSync(next, `${JSON.stringify({ ...this.memory(), ...change })}\n`);
    renameSync(next, this.#memoryPath);
  }

  /** The operator key kept here, made on the first call. @returns {{ key: string, isNew: boolean }} */
  operatorKey() {
    const file = path.join(this.path, "operator-key");
    try {
      const key = readFileSync(file, "utf8").trim();
      if (key !== "") {
        chmodSync(file, 0o600);
        return { key, isNew: false };
      }
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ENOENT") {
        throw new StartRefusal(`the operator key ${file} cannot be read: ${reason(error)}`);
      }
    }
    const key = `weir_${randomBytes(KEY_BYTES).toString("base64url")}`;
    writeFileSync(file, `${key}\n`, { mode: 0o600 });
    return { key, isNew: true };
  }

  get #memoryPath() {
    return path.join(this.path, "runtime.json");
  }
}

/**
 * A lock of the operating system, held by an open transaction: it ends with the process, however that ends, so there
 * is no stale lock to judge.
 * @param {DatabaseSync} lock
 */
function takeLock(lock) {
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (/locked/.test(reason(error))) return false;
    throw new StartRefusal(`the state folder cannot be locked: ${reason(error)}`);
  }
}

/**
 * Makes a folder and those above it. `mkdir` with `recursive` never returns where a file system refuses with ENOENT,
 * as /proc does.
 * @param {string} folder
 */
function makeFolders(folder) {
  if (existsSync(folder)) return;
  makeFolders(path.dirname(folder));
  mkdirSync(folder);
}

/** @param {unknown} error */
function reason(error) {
  return error instanceof Error ? error.message : String(error);
}
