/** What a Worker cannot read of the machine it runs on; it passes this on with its measurements. */
import { existsSync } from "node:fs";
import os from "node:os";

const BYTES_PER_MB = 1_048_576;

export function describeHost() {
  const cores = os.cpus();
  return {
    os: os.platform(),
    arch: os.arch(),
    hostname: os.hostname(),
    cpu_model: cores[0]?.model ?? null,
    cpu_cores: cores.length,
    cpu_logical: os.availableParallelism(),
    total_memory_mb: Math.round(os.totalmem() / BYTES_PER_MB),
    container_runtime: existsSync("/.dockerenv") ? "docker" : existsSync("/run/.containerenv") ? "podman" : null,
  };
}
