/** `npm run docs:metrics`: writes docs/metrics.md from the catalogue. A test tells when it is old. */
import { writeFileSync } from "node:fs";
import { metricsDocument } from "#telemetry/catalogue/document.ts";

writeFileSync(new URL("../docs/metrics.md", import.meta.url), metricsDocument());
