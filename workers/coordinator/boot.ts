/**
 * Which life of the runtime this is. Locally every process of workerd has queues of its own, in memory; one isolate
 * lives exactly as long, so an id made in it tells whether messages sent earlier can still arrive.
 */
let id: string | undefined;

export function bootId(): string {
  id ??= crypto.randomUUID();
  return id;
}
