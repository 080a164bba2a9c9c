/** Runs inside of the page that the test opens: the browser's read path behind three calls, whose answers are plain data. */
import { latin1Of } from '../../core/base/bytes.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import { findPath, walkTree } from '../../core/repository/list-tree.ts';
import { openWebRepository, type WebRepository } from '../../core/repository/web/open-web-repository.ts';
import { createRestStore } from '../../core/storage/web/rest-store.ts';

export interface ReadWhole {
  readonly version: number;
  readonly snapshots: readonly { readonly paths: readonly string[]; readonly hostname: string | undefined }[];
  /** SHA-256 by the latin1 of a path's bytes. */
  readonly hashes: Readonly<Record<string, string>>;
  readonly folders: number;
}

export interface ReadStreamed {
  readonly pieces: number;
  readonly largest: number;
  readonly bytes: number;
}

type Answer<T> = { readonly value: T } | { readonly code: string; readonly message: string };

export interface PageApi {
  readWhole(repository: string, password: string): Promise<Answer<ReadWhole>>;
  readStreamed(repository: string, password: string, filePath: string): Promise<Answer<ReadStreamed>>;
  hasBuffer(): boolean;
}

const open = (repository: string, password: string): Promise<WebRepository> =>
  openWebRepository(
    createRestStore({ url: `${location.origin}/${repository}/`, fetch: (url, init) => fetch(url, init) }),
    password,
  );

async function answered<T>(work: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { code: error.code, message: error.message };
  }
}

async function sha256(pieces: readonly Uint8Array[]): Promise<string> {
  const whole = await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const api: PageApi = {
  readWhole: (repository, password) =>
    answered(async () => {
      const opened = await open(repository, password);
      const { snapshots } = await opened.listSnapshots();
      const hashes: Record<string, string> = {};
      let folders = 0;
      for await (const { pathBytes, node } of walkTree(opened.reader, snapshots[0]!.tree)) {
        if (node.type === 'dir') folders += 1;
        if (node.type !== 'file') continue;
        const pieces: Uint8Array[] = [];
        for await (const piece of opened.readFile(node)) pieces.push(piece);
        hashes[latin1Of(pathBytes)] = await sha256(pieces);
      }
      const about = snapshots.map(({ paths, hostname }) => ({ paths, hostname }));
      return { version: opened.version, snapshots: about, hashes, folders };
    }),
  readStreamed: (repository, password, filePath) =>
    answered(async () => {
      const opened = await open(repository, password);
      const { snapshots } = await opened.listSnapshots();
      const found = await findPath(opened.reader, snapshots[0]!.tree, filePath);
      const sizes: number[] = [];
      for await (const { length } of opened.readFile(found!.node)) sizes.push(length);
      return { pieces: sizes.length, largest: Math.max(...sizes), bytes: sizes.reduce((sum, size) => sum + size, 0) };
    }),
  hasBuffer: () => 'Buffer' in globalThis || 'process' in globalThis,
};

Object.assign(globalThis, { holdfast: api });
