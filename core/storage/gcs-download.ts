/**
 * Downloads from Google Cloud Storage: the client's address and authentication, but Node's own fetch for the body. The
 * client's read stream pipes every body through seven streams, at half the speed, and overruns its own listener limit on
 * each object of 64 KiB or more, which fills the log of a worker that verifies ten thousand packs.
 */
import type { Storage } from '@google-cloud/storage';
import { statusOf } from './gcs-retry.ts';
import { objectMismatch, objectMissing } from './store-errors.ts';

export interface GcsDownload {
  readonly pieces: AsyncIterable<Uint8Array>;
  readonly generation: string | undefined;
  /** @throws an error worth a retry when the line broke unnoticed; object_mismatch when the bytes are not the stored ones. */
  requireWhole(size: number, crc32c: string): void;
}

export interface GcsDownloadRequest {
  readonly client: Storage;
  /** False for emulators, which have no token service. */
  readonly isAuthenticated: boolean;
  readonly bucket: string;
  /** Name in the bucket. */
  readonly name: string;
  /** Key of the port, for errors. */
  readonly key: string;
  readonly generation?: string | undefined;
  readonly first?: number | undefined;
  readonly last?: number | undefined;
}

/** @throws HoldfastError object_missing; otherwise an Error whose `code` is the HTTP status or that of the connection. */
export async function openGcsDownload(request: GcsDownloadRequest): Promise<GcsDownload> {
  const { client, key, first, last } = request;
  const url = new URL(
    `${client.apiEndpoint}/storage/v1/b/${encodeURIComponent(request.bucket)}/o/${encodeURIComponent(request.name)}`,
  );
  url.searchParams.set('alt', 'media');
  if (request.generation !== undefined) url.searchParams.set('generation', request.generation);
  const headers = new Headers(
    request.isAuthenticated ? await client.authClient.getRequestHeaders(url.href) : undefined,
  );
  // The service compresses answers on the way where it may; the length and the range are those of the stored bytes.
  headers.set('accept-encoding', 'identity');
  if (first !== undefined || last !== undefined) headers.set('range', `bytes=${first ?? 0}-${last ?? ''}`);

  const response = await fetch(url, { headers, redirect: 'error' });
  if (!response.ok) {
    const text = (await response.text()).slice(0, 1000);
    const failure = Object.assign(new Error(text), { code: response.status });
    if (statusOf(failure) === 404 && !isBucketMissing(failure)) throw objectMissing(key, failure);
    throw failure;
  }
  return {
    pieces: response.body ?? emptyBody(),
    generation: response.headers.get('x-goog-generation') ?? undefined,
    requireWhole(size, crc32c) {
      const storedSize = response.headers.get('x-goog-stored-content-length');
      if (storedSize !== null && Number(storedSize) !== size)
        throw Object.assign(new Error(`${size} of ${storedSize} bytes arrived`), { code: 'ECONNRESET' });
      const stored = /crc32c=([A-Za-z0-9+/=]+)/.exec(response.headers.get('x-goog-hash') ?? '')?.[1];
      if (stored !== undefined && stored !== crc32c) throw objectMismatch(key, 'crc32c', stored, crc32c);
    },
  };
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {
  // An answer without a body has no pieces.
}

/** A missing bucket answers 404 as well; taken for a missing object it would make a misconfigured store look empty. */
export function isBucketMissing(error: unknown): boolean {
  return /bucket does not exist|NoSuchBucket/i.test(error instanceof Error ? error.message : '');
}
