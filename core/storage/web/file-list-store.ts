/**
 * A repository on a disk that a person chose in a browser: `<input webkitdirectory>` gives a list of files with their paths
 * below the chosen folder. Nothing is uploaded: the browser reads the parts that are asked for from the disk.
 */
import { assertKeyPrefix, assertObjectKey } from '../object-key.ts';
import type { ReadStore } from '../port.ts';
import { objectMissing, objectShort, storageUnavailable } from '../store-errors.ts';
import { webReadStore } from './web-object.ts';

/** What a File of a browser is to this store. */
export interface ChosenFile {
  /** Slash-separated, from the chosen folder on. */
  readonly webkitRelativePath: string;
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

export interface ChosenRepository {
  /** Path of its folder, from the chosen one on. */
  readonly path: string;
  readonly store: ReadStore;
}

/** Every repository in what was chosen: the folder itself, or folders in it. By path. */
export function repositoriesAmong(files: Iterable<ChosenFile>): ChosenRepository[] {
  const byPath = new Map<string, ChosenFile>();
  for (const file of files) byPath.set(file.webkitRelativePath, file);
  const withKeys = new Set<string>();
  for (const path of byPath.keys()) {
    const match = /^(.*)\/keys\/[0-9a-f]{64}$/.exec(path);
    if (match !== null) withKeys.add(match[1]!); // the pattern has one group
  }
  return [...withKeys]
    .filter((root) => byPath.has(`${root}/config`))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((path) => ({ path, store: createFileListStore(byPath, path) }));
}

function createFileListStore(byPath: ReadonlyMap<string, ChosenFile>, root: string): ReadStore {
  const keys = [...byPath.keys()]
    .filter((path) => path.startsWith(`${root}/`))
    .map((path) => path.slice(root.length + 1));
  keys.sort((a, b) => (a < b ? -1 : 1));
  const fileOf = (key: string): ChosenFile | undefined => {
    assertObjectKey(key);
    return byPath.get(`${root}/${key}`);
  };
  return webReadStore({
    sizeOf: async (key) => fileOf(key)?.size,
    async read(key, { offset, length }) {
      const file = fileOf(key);
      if (file === undefined) throw objectMissing(key);
      if (offset + length > file.size) throw objectShort(key, { offset, length }, file.size);
      let bytes: Uint8Array;
      try {
        bytes = new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        // The disk was taken away, or the file was changed since it was chosen.
        throw storageUnavailable('get', key, cause);
      }
      if (bytes.length !== length) throw objectShort(key, { offset, length }, bytes.length);
      return bytes;
    },
    async *list(prefix) {
      assertKeyPrefix(prefix);
      for (const key of keys) {
        const file = key.startsWith(prefix) ? byPath.get(`${root}/${key}`) : undefined;
        if (file !== undefined) yield { key, size: file.size };
      }
    },
  });
}
