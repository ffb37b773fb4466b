/** The id of the built-in demo model: what its calls, metrics and results are labelled with. */
export const DEMO_MODEL = "weir-demo";
