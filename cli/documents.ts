/** JSON that the user names: a file, standard input, or the text itself. */
import { readFileSync } from "node:fs";
import { unable } from "./failure.ts";

/** The JSON in a file; `-` is standard input. */
export function readJsonFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : message;
    throw unable(`${file} cannot be read: ${reason}`);
  }
  return parse(text, file === "-" ? "standard input" : file);
}

/** JSON given on the command line, or the file that holds it (also with `@` before its name). */
export function readJsonOption(value: string, option: string): unknown {
  const text = value.trim();
  if (/^[[{"]|^(-?\d|true$|false$|null$)/.test(text)) return parse(text, option);
  return readJsonFile(text.startsWith("@") ? text.slice(1) : text);
}

/** The same where only an object will do. */
export function readObjectOption(value: string, option: string): Record<string, unknown> {
  const object = readJsonOption(value, option);
  if (typeof object === "object" && object !== null && !Array.isArray(object)) return object as Record<string, unknown>;
  throw unable(`${option} must be a JSON object such as '{"name": "value"}', or a file with one`);
}

/** Whether the user means a file and not a tag: tags hold no slash, and files of workflows end in `.json`. */
export function isFileName(target: string): boolean {
  return target === "-" || /\.jsonc?$/i.test(target) || target.includes("/") || target.includes("\\");
}

function parse(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unable(`${place} is not JSON: ${(error as Error).message}`);
  }
}
