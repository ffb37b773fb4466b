/** Which Meters this deployment has: a few, so that none becomes everybody's; one on a laptop. */
import { METERS, METERS_LOCAL, Meters } from "#store/meter/meters.ts";
import { type Env, settingsOf } from "./env.ts";

const made = new WeakMap<object, Meters>();

/** Null: telemetry is off, or there are none. */
export function metersOf(env: Env): Meters | null {
  const { METER: namespace } = env;
  const { WEIR_TELEMETRY: telemetry, WEIR_LOCAL: local } = settingsOf(env);
  if (telemetry === "off" || namespace === undefined) return null;
  let meters = made.get(env);
  if (meters === undefined) {
    meters = new Meters(namespace, local === "" ? METERS : METERS_LOCAL);
    made.set(env, meters);
  }
  return meters;
}
