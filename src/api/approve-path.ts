/** Where signed links lead. What stands below it is a key of its own: open without another, and never logged. */
export const APPROVE_PATH = "/api/v1/approve/";
