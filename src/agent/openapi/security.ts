/**
 * Credentials of an operation: where the secret that `auth_profile` names goes. Only its name stands here; its value is
 * put in behind the ports, and only for a host that it is bound to.
 */
import { isJsonObject, type Json, type JsonObject, ownValue } from "#kernel/json.ts";
import { type OpenApiDocument, type Operation, refuse } from "./document.ts";

export interface Credentials {
  headers: [string, string][];
  query: [string, string][];
}

const NONE: Credentials = { headers: [], query: [] };

/** What the operation needs is taken from the document; where it says nothing, the secret is a bearer token. */
export function credentialsOf(
  document: OpenApiDocument,
  { operation }: Operation,
  profile: string | undefined,
): Credentials {
  const requirements = ownValue(operation, "security") ?? ownValue(document.root, "security");
  const alternatives = Array.isArray(requirements) ? requirements.filter(isJsonObject) : [];
  if (profile === undefined) {
    const isOpen = alternatives.length === 0 || alternatives.some((one) => Object.keys(one).length === 0);
    if (isOpen) return NONE;
    return refuse(
      `the operation needs credentials (${describeAll(document, alternatives)}): name a secret as auth_profile`,
    );
  }
  const schemes = alternatives.flatMap((one) => {
    const names = Object.keys(one);
    // Several schemes at once would need several secrets.
    return names.length === 1 ? [schemeOf(document, names[0] ?? "")] : [];
  });
  if (alternatives.length === 0) return bearer(profile);
  for (const scheme of schemes) {
    const credentials = placed(scheme, profile);
    if (credentials !== null) return credentials;
  }
  return refuse(`the credentials that the operation needs are not supported: ${describeAll(document, alternatives)}`);
}

function schemeOf(document: OpenApiDocument, name: string): JsonObject {
  const components = ownValue(document.root, "components");
  const schemes = isJsonObject(components) ? ownValue(components, "securitySchemes") : undefined;
  const scheme = isJsonObject(schemes) ? ownValue(schemes, name) : undefined;
  return document.resolve(scheme, `security scheme ${name.slice(0, 60)}`);
}

function placed(scheme: JsonObject, profile: string): Credentials | null {
  const text = (key: string) => {
    const value = ownValue(scheme, key);
    return typeof value === "string" ? value : "";
  };
  const secret = `\${$secrets.${profile}}`;
  switch (text("type")) {
    case "apiKey":
      if (text("in") === "header") return { headers: [[text("name"), secret]], query: [] };
      if (text("in") === "query") return { headers: [], query: [[text("name"), secret]] };
      return text("in") === "cookie" ? { headers: [["cookie", `${text("name")}=${secret}`]], query: [] } : null;
    case "http": {
      const kind = text("scheme").toLowerCase();
      // The secret of a basic profile is the base64 of user:password, as the header has it.
      if (kind === "basic") return { headers: [["authorization", `Basic ${secret}`]], query: [] };
      return kind === "bearer" ? bearer(profile) : null;
    }
    case "oauth2":
    case "openIdConnect":
      return bearer(profile);
    default:
      return null;
  }
}

function bearer(profile: string): Credentials {
  return { headers: [["authorization", `Bearer \${$secrets.${profile}}`]], query: [] };
}

function describeAll(document: OpenApiDocument, alternatives: readonly JsonObject[]): string {
  return alternatives
    .map((one) =>
      Object.keys(one)
        .map((name) => describe(name, schemeOf(document, name)))
        .join(" with "),
    )
    .join(" or ")
    .slice(0, 300);
}

function describe(name: string, scheme: JsonObject): string {
  const words: (Json | undefined)[] = [ownValue(scheme, "type"), ownValue(scheme, "scheme"), ownValue(scheme, "in")];
  return `${name.slice(0, 60)}: ${words.filter((word) => typeof word === "string").join(" ")}`;
}
