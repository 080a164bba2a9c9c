/**
 * What this machine keeps of a repository that it uses without a server: the blob index, and the folders of the last snapshot
 * of each list of paths. All of it can be deleted at any time. Nobody else may read it: it holds names of files.
 */
import { hash } from 'node:crypto';
import path from 'node:path';
import { IndexCache } from '../../core/repository/index-cache.ts';
import type { OpenRepository } from '../../core/repository/types.ts';

export class RepositoryCache {
  readonly index: IndexCache;
  readonly #folder: string;

  constructor(cachePath: string, repo: OpenRepository) {
    this.#folder = path.join(cachePath, repo.config.id);
    this.index = new IndexCache(repo, path.join(this.#folder, 'index'));
  }

  /** Another host or other paths have another last snapshot. */
  foldersPath(host: string, paths: readonly string[]): string {
    const name = hash('sha256', JSON.stringify([host, paths])).slice(0, 16);
    return path.join(this.#folder, `folders-${name}`);
  }
}
