/** The folders of the file store: where a key lies, and that no symbolic link leads a key out of the root. */
import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../base/errors.ts';
import { storageUnavailable } from './store-errors.ts';

export interface StoreFolder {
  /** Absolute path of the object. */
  pathOf(key: string): string;
  /** Absolute path of the folder that holds the object. */
  folderOf(key: string): string;
  /** False when the object's folder does not exist. @throws HoldfastError forbidden when a link stands in the way; storage_unavailable. */
  hasFolder(key: string): Promise<boolean>;
  /** Makes the object's folder, durably. @throws as hasFolder; conflict when a file stands in the way. */
  makeFolder(key: string): Promise<void>;
  /** Looks at the disk again: somebody removed a folder. */
  forget(): void;
}

export function createStoreFolder(root: string, syncDirectory: (directory: string) => Promise<void>): StoreFolder {
  /** Folders that were seen to be real. A store has some hundred of them; looking once each is enough. */
  const known = new Set<string>();
  const foldersOf = (key: string): string[] => {
    const segments = key.split('/').slice(0, -1);
    return segments.map((_, at) => join(root, ...segments.slice(0, at + 1)));
  };

  const look = async (folder: string): Promise<boolean> => {
    if (known.has(folder)) return true;
    let stat: Awaited<ReturnType<typeof lstat>>;
    try {
      stat = await lstat(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    if (stat.isSymbolicLink())
      throw new HoldfastError(
        'forbidden',
        'The backup store contains a link to another place where a folder belongs. It is not followed. Move the data into the store itself.',
        { detail: { folder } },
      );
    if (!stat.isDirectory())
      throw new HoldfastError('conflict', 'A file stands in the backup store where a folder belongs.', {
        detail: { folder },
      });
    known.add(folder);
    return true;
  };

  return {
    pathOf: (key) => join(root, ...key.split('/')),
    folderOf: (key) => foldersOf(key).at(-1) ?? root,
    async hasFolder(key) {
      try {
        for (const folder of foldersOf(key)) if (!(await look(folder))) return false;
        return true;
      } catch (error) {
        throw error instanceof HoldfastError ? error : storageUnavailable('look', key, error);
      }
    },
    async makeFolder(key) {
      if (!known.has(root)) {
        // The root itself may be a link: whoever configured it chose so.
        await mkdir(root, { recursive: true, mode: 0o700 });
        known.add(root);
      }
      let parent = root;
      for (const folder of foldersOf(key)) {
        if (!(await look(folder))) {
          await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
            if (error.code !== 'EEXIST') throw error;
          });
          await syncDirectory(parent);
          await look(folder);
        }
        parent = folder;
      }
    },
    forget: () => known.clear(),
  };
}
