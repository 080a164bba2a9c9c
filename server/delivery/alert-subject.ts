/** What everything that is told of an alert goes by: one that comes and goes is one thread, one incident and one ticket. */
export function alertSubject({ id, episodeId }: { readonly id: string; readonly episodeId: string | null }): string {
  return `alert:${episodeId ?? id}`;
}
