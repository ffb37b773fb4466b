/** What the workflows of a scenario are called: each is an artifact, and one version of a tag of its own. */
export function artifactId(workflow: number): string {
  return `sha256:${workflow}`;
}

export function tagOf(workflow: number): string {
  return `w${workflow}`;
}

/** Which of the scenario's workflows an artifact is. */
export function workflowOf(artifact: string): number {
  return Number(artifact.slice("sha256:".length));
}

/** The artifact that a tag or an id names, of so many workflows; null when nothing is called that. */
export function artifactNamed(name: string, workflows: number): string | null {
  for (let index = 0; index < workflows; index++) {
    if (name === tagOf(index) || name === artifactId(index)) return artifactId(index);
  }
  return null;
}
