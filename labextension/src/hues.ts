/** Okabe–Ito, repeated after eight; each is a CSS variable with a value per theme. */
export const HUES = 8;

/** The hue of each step, by its place among the steps: stable while their order is. */
export function huesOf(steps: readonly string[]): Map<string, string> {
  return new Map(steps.map((name, place) => [name, `var(--jp-mlops-hue-${place % HUES})`]));
}
