/**
 * Downloads that were asked for in this page and are not handed over yet. Not state of a component: the button that asks and
 * the bar that hands over are rendered apart, and the page renews itself in between.
 */
const wanted = new Set<string>();

export function rememberWanted(id: string): void {
  wanted.add(id);
}

/** True once for each download that this page asked for. */
export function takeWanted(id: string): boolean {
  return wanted.delete(id);
}
