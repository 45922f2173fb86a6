/** Okabe–Ito, repeated after eight. */
const HUES = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#b8a800', '#6b6b6b'];

/** The hue at a place, lighter in a dark theme. */
export function hueAt(index: number): string {
  return `color-mix(in srgb, ${HUES[index % HUES.length]}, white var(--jp-mlops-lighter, 0%))`;
}

/** The hue of each step, by its place among the steps: stable while their order is. */
export function stepColors(steps: readonly string[]): Map<string, string> {
  return new Map(steps.map((name, index) => [name, hueAt(index)]));
}
