/** Tenants by name: the form of an id, and those that every installation has. */

export const TENANT_PATTERN = /^[a-z][a-z0-9-]{0,31}$/;

/** The tenant of the operator's key. */
export const OPERATOR_TENANT = "default";

/** Weir's own, for what it runs to watch itself. */
export const SYSTEM_TENANT = "system";

/** These cannot be deleted: without the first the operator has no tenant, without the second Weir has none. */
export function isBuiltIn(tenant: string): boolean {
  return tenant === OPERATOR_TENANT || tenant === SYSTEM_TENANT;
}
