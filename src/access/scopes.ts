/** What a key may do. The operator has every scope; a route names the one it needs. */
import { OPERATOR_TENANT } from "./tenants.ts";

export const SCOPES = ["read", "run", "write", "approve", "admin", "metrics", "operator"] as const;
export type Scope = (typeof SCOPES)[number];

/** Scopes that reach beyond a tenant; only the operator gives them away. */
const INSTALLATION_SCOPES: ReadonlySet<Scope> = new Set(["metrics", "operator"]);

/** Who a request comes from; the tenant comes from the key alone. */
export interface Principal {
  keyId: string;
  tenant: string;
  scopes: ReadonlySet<Scope>;
}

export const OPERATOR: Principal = { keyId: "operator", tenant: OPERATOR_TENANT, scopes: new Set(SCOPES) };

export function isOperator(principal: Principal): boolean {
  return principal.scopes.has("operator");
}

/** Those of the wanted scopes that `maker` may not give to a key: what it lacks itself, and what reaches beyond its tenant. */
export function ungrantable(maker: Principal, wanted: readonly Scope[]): Scope[] {
  return wanted.filter((scope) => !maker.scopes.has(scope) || (INSTALLATION_SCOPES.has(scope) && !isOperator(maker)));
}
