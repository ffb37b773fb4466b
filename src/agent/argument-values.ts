/** Values inside a tool's arguments that are judged elsewhere: handed on as they are, so that no key of them is lost. */
import { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";

export const anyJson = z.custom<Json>((value) => value !== undefined, "is required");

export const anyObject = z.custom<JsonObject>(isJsonObject, "must be an object").meta({ type: "object" });
