/** What Next.js hands to a page; the values of the address are still to be parsed. */
export interface SearchProps {
  readonly searchParams: Promise<Record<string, string | string[] | undefined>>;
}
export interface IdProps {
  readonly params: Promise<{ id: string }>;
}
