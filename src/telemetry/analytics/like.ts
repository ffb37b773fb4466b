/** LIKE and ILIKE: % is any number of characters, _ is one, a backslash takes the next character as it is. */

type Step = "many" | "one" | number;

/** Matches in time that grows with pattern times text at worst, never beyond. */
export function likeMatcher(pattern: string, ignoreCase: boolean): (text: string) => number {
  const steps = stepsOf(ignoreCase ? pattern.toLowerCase() : pattern);
  const literal = steps.every((step): step is number => typeof step === "number");
  if (literal) {
    const whole = String.fromCodePoint(...(steps as number[]));
    return ignoreCase ? (text) => Number(text.toLowerCase() === whole) : (text) => Number(text === whole);
  }
  return (text) => Number(matches(steps, pointsOf(ignoreCase ? text.toLowerCase() : text)));
}

function pointsOf(text: string): number[] {
  return Array.from(text, (char) => char.codePointAt(0) as number);
}

function stepsOf(pattern: string): Step[] {
  const steps: Step[] = [];
  const points = pointsOf(pattern);
  for (let index = 0; index < points.length; index++) {
    const char = String.fromCodePoint(points[index] as number);
    const next = points[index + 1];
    if (char === "\\" && next !== undefined) {
      steps.push(next);
      index += 1;
    } else if (char === "%") {
      if (steps.at(-1) !== "many") steps.push("many");
    } else steps.push(char === "_" ? "one" : (points[index] as number));
  }
  return steps;
}

/** Goes back to the last % only: earlier ones have found the nearest place already. */
function matches(steps: readonly Step[], points: readonly number[]): boolean {
  let step = 0;
  let point = 0;
  let lastMany = -1;
  let resume = 0;
  while (point < points.length) {
    const wanted = steps[step];
    if (wanted === "many") {
      lastMany = step;
      resume = point;
      step += 1;
    } else if (wanted === "one" || (wanted !== undefined && wanted === points[point])) {
      step += 1;
      point += 1;
    } else if (lastMany >= 0) {
      resume += 1;
      point = resume;
      step = lastMany + 1;
    } else return false;
  }
  while (steps[step] === "many") step += 1;
  return step === steps.length;
}
