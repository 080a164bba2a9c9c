/** Where things lie in a repository. */
export const CONFIG_KEY = 'config';

export function packKey(packId: string): string {
  return `data/${packId.slice(0, 2)}/${packId}`;
}

const CONTENT_NAMED = /^(?:keys|index|snapshots|locks)\/([0-9a-f]{64})$|^data\/([0-9a-f]{2})\/(\2[0-9a-f]{62})$/;

/** The id in a content-named key, or undefined for `config` and for foreign objects, which readers skip. */
export function idOfKey(key: string): string | undefined {
  const match = CONTENT_NAMED.exec(key);
  return match === null ? undefined : (match[1] ?? match[3]);
}
