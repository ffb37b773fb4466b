/** Bounds of what an OpenAPI document may make a call do. Each has a test at its edge. */

/** Nesting of a document, which is deeper than data is. */
export const DOCUMENT_DEPTH_MAX = 128;
/** References that lead to references. */
export const REFERENCE_HOPS_MAX = 16;
/** Work of reading one operation and checking its parameters. */
export const OPENAPI_WORK_MAX = 5_000_000;
/** Operations that an answer names when one does not exist. */
export const NAMED_OPERATIONS_MAX = 20;
/** Problems of parameters that an answer names. */
export const PARAMETER_PROBLEMS_MAX = 20;
/** Values of an `enum` that are compared; longer ones are left to the server. */
export const ENUM_VALUES_MAX = 1_000;
