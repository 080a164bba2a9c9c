/** Makes elements; text goes in as text, never as HTML: names in a backup are anybody's. */
export type Child = Node | string | undefined;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const child of children) if (child !== undefined) made.append(child);
  return made;
}

/** A button that does nothing else while its work runs. */
export function button(
  label: string,
  attributes: Readonly<Record<string, string>>,
  onPress: () => unknown,
): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, label);
  made.addEventListener('click', () => void onPress());
  return made;
}
