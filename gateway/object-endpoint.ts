/**
 * Serves the signed URLs of the embedded store: PUT of exactly the signed bytes, once, and GET with ranges. The signature is
 * the whole authority; nothing here knows a device. Uploads stream to the disk while they are measured, so that their number
 * and size cost no memory.
 */
import { Readable } from 'node:stream';
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { Clock } from '../core/base/clock.ts';
import { HoldfastError } from '../core/base/errors.ts';
import type { Log } from '../core/base/log.ts';
import { contentDisposition } from '../core/storage/content-disposition.ts';
import type { ObjectStore, UploadTerms } from '../core/storage/port.ts';
import { type VerifiedUrl, verifySignedUrl } from '../core/storage/signed-url.ts';
import { objectMismatch, objectMissing } from '../core/storage/store-errors.ts';
import { endUnreadBody, isOwnFault, refusalFor } from './refusals.ts';
import { receivedPieces } from './request-body.ts';

export interface ObjectEndpointOptions {
  readonly store: Pick<ObjectStore, 'sizeOf' | 'get' | 'createFrom'>;
  readonly signingKey: Uint8Array;
  readonly clock: Clock;
  readonly log: Log;
}

type GatewayContext = Context<{ Bindings: HttpBindings }>;

/** Read from the store at a time. */
const PIECE_BYTES = 2 * 1024 * 1024;
export function createObjectEndpoint(options: ObjectEndpointOptions): Hono<{ Bindings: HttpBindings }> {
  const endpoint = new Hono<{ Bindings: HttpBindings }>();
  endpoint.all('/objects/v1/*', async (c) => {
    const verified = verify(c, options);
    return verified.kind === 'upload'
      ? await upload(c, options, verified.key, verified.terms)
      : await download(c, options, verified.key, verified.terms.filename);
  });
  endpoint.onError((error, c) => {
    const { status, body, headers } = refusalFor(error, options.clock.nowMs());
    // The path and not the query: whoever reads the log must not be able to use the URL.
    const fields = { method: c.req.method, path: c.req.path, status, code: body.error.code, err: error };
    if (isOwnFault(status)) options.log.error(fields, 'object request failed');
    else options.log.info(fields, 'object request refused');
    return c.json(body, status, { ...headers, ...endUnreadBody(c.env.incoming) });
  });
  return endpoint;
}

function verify(c: GatewayContext, options: ObjectEndpointOptions): VerifiedUrl {
  // The target as it came over the wire: the router has decoded its own copy.
  const target = c.env.incoming.url ?? '';
  const method = c.req.method;
  return verifySignedUrl(method, target, { key: options.signingKey, nowMs: options.clock.nowMs() });
}

async function upload(
  c: GatewayContext,
  options: ObjectEndpointOptions,
  key: string,
  terms: UploadTerms,
): Promise<Response> {
  const length = c.req.header('content-length');
  // Known before the first byte: a wrong size is refused without reading it.
  if (length !== undefined && Number(length) !== terms.size) throw objectMismatch(key, 'size', terms.size, length);
  const answer = await options.store.createFrom(key, receivedPieces(c.env.incoming), terms);
  if (answer === 'exists')
    throw new HoldfastError('object_exists', 'This object is already stored; nothing was changed.', {
      detail: { key },
    });
  return c.body(null, 200, { 'cache-control': 'no-store' });
}

async function download(
  c: GatewayContext,
  options: ObjectEndpointOptions,
  key: string,
  filename: string | undefined,
): Promise<Response> {
  const size = await options.store.sizeOf(key);
  if (size === undefined) throw objectMissing(key);
  const headers: Record<string, string> = {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-store',
    // What customers backed up is never shown in our origin, whatever it claims to be.
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    ...(filename === undefined ? {} : { 'content-disposition': contentDisposition(filename) }),
  };
  const range = parseRange(c.req.header('range'), size);
  if (range === 'unsatisfiable') return c.body(null, 416, { ...headers, 'content-range': `bytes */${size}` });
  const { first, last } = range ?? { first: 0, last: size - 1 };
  if (range !== undefined) headers['content-range'] = `bytes ${first}-${last}/${size}`;
  headers['content-length'] = String(last - first + 1);
  const status = range === undefined ? 200 : 206;
  if (size === 0) return c.body(null, status, headers);
  const body = Readable.toWeb(Readable.from(storedPieces(options, key, first, last)));
  // Node's web stream and the DOM's are one thing with two types.
  return c.body(body as ReadableStream, status, headers);
}

async function* storedPieces(
  options: ObjectEndpointOptions,
  key: string,
  first: number,
  last: number,
): AsyncGenerator<Uint8Array> {
  try {
    for (let offset = first; offset <= last; offset += PIECE_BYTES) {
      yield await options.store.get(key, { offset, length: Math.min(PIECE_BYTES, last - offset + 1) });
    }
  } catch (error) {
    // The status has been sent: all that is left is to break off, so that the reader does not take it for whole.
    options.log.error({ key, err: error }, 'a download broke off');
    throw error;
  }
}

interface InclusiveRange {
  readonly first: number;
  readonly last: number;
}

/**
 * One range of RFC 9110; undefined when there is none or it is one that a server may ignore (several ranges, other units).
 */
export function parseRange(header: string | undefined, size: number): InclusiveRange | 'unsatisfiable' | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (found === null || (found[1] === '' && found[2] === '')) return undefined;
  if (found[1] === '') {
    const suffix = Number(found[2]);
    return suffix === 0 || size === 0 ? 'unsatisfiable' : { first: Math.max(0, size - suffix), last: size - 1 };
  }
  const first = Number(found[1]);
  const last = found[2] === '' ? size - 1 : Math.min(size - 1, Number(found[2]));
  if (found[2] !== '' && Number(found[2]) < first) return undefined;
  return first >= size ? 'unsatisfiable' : { first, last };
}
