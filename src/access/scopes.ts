/** What a key may do. The operator has every scope; a route names the one it needs. */

export const SCOPES = ["read", "run", "write", "approve", "admin", "metrics", "operator"] as const;
export type Scope = (typeof SCOPES)[number];

/** Who a request comes from; the tenant comes from the key alone. */
export interface Principal {
  keyId: string;
  tenant: string;
  scopes: ReadonlySet<Scope>;
}

export const OPERATOR_TENANT = "default";

export const OPERATOR: Principal = { keyId: "operator", tenant: OPERATOR_TENANT, scopes: new Set(SCOPES) };
