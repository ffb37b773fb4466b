/** What the paths of the API begin with. */
export const BASE_PATH = "/api/v1";
