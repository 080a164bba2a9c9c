/** Minutes with one decimal, rounded up: a budget that is just exceeded must not read as kept. */
export function minutesText(minutes: number): string {
  return `${(Math.ceil(minutes * 10 - 1e-9) / 10).toFixed(1)} min`;
}
