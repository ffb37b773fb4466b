/**
 * Paths of node runs: a node's id, or `<node>[<key>]` for what runs on a node's behalf: an item of a map (its index),
 * the message to whom an approval is escalated (`escalation`).
 */

export interface PartOf {
  owner: string;
  key: string;
}

export const ESCALATION = "escalation";

export function partPath(owner: string, key: string | number): string {
  return `${owner}[${key}]`;
}

/** What a path is a part of; null for a node's own. */
export function partOf(path: string): PartOf | null {
  if (!path.endsWith("]")) return null;
  const open = path.indexOf("[");
  return { owner: path.slice(0, open), key: path.slice(open + 1, -1) };
}

/** The node of the graph that a path belongs to. */
export function nodeOf(path: string): string {
  return partOf(path)?.owner ?? path;
}
