/**
 * The part of Google Cloud Storage that Holdfast relies on, for tests with the real client: JSON interface (buckets,
 * listing, metadata, media, the three kinds of upload, delete) and XML interface by V4 signed URLs. It enforces what we
 * depend on: generation preconditions on every kind of upload, checksums, length ranges, signatures and expiry. Objects
 * live in memory.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import { verifyV4Signature } from './gcs-emulator-signature.ts';
import { GcsError, type GcsObject, GcsState } from './gcs-emulator-state.ts';

export interface GcsEmulatorOptions {
  readonly clock?: Clock;
  /** Public keys (SPKI PEM) by service account: whose signed URLs are honoured. */
  readonly signers?: Readonly<Record<string, string>>;
  readonly buckets?: readonly string[];
  /** Of these, those that were made with object retention. */
  readonly lockableBuckets?: readonly string[];
  /** When given, the JSON interface answers 401 to whoever does not bring this access token. */
  readonly accessToken?: string;
  /** Most objects in one page of a listing; the real service gives 1000. */
  readonly pageObjectsMax?: number;
}

/** A trouble of the service. `drop` closes the connection without an answer. */
export interface GcsTrouble {
  readonly method: string;
  /** Text in the path and query. */
  readonly pathIncludes: string;
  readonly answer: number | 'drop';
  /**
   * `after`: the request took effect and the answer was lost. `middle`: half of the body is sent, then the line breaks.
   * `flipped`: the answer's body has one wrong bit.
   */
  readonly when: 'before' | 'after' | 'middle' | 'flipped';
}

export interface GcsEmulator {
  readonly url: string;
  /** `METHOD path?query` of every request, oldest first. */
  readonly requests: readonly string[];
  /** The next request that matches meets this trouble, once. */
  trouble(...troubles: GcsTrouble[]): void;
  close(): Promise<void>;
}

interface ResumableSession {
  readonly bucket: string;
  readonly name: string;
  readonly contentType: string | undefined;
  readonly crc32c: string | undefined;
  readonly ifGenerationMatch: string | null;
  bytes: Buffer;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly body: Buffer;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | object;
}

export async function startGcsEmulator(options: GcsEmulatorOptions = {}): Promise<GcsEmulator> {
  const clock = options.clock ?? systemClock;
  const state = new GcsState(clock);
  for (const bucket of options.buckets ?? []) state.createBucket(bucket);
  for (const bucket of options.lockableBuckets ?? []) state.allowRetention(bucket);
  const service = createService(state, clock, options);
  const requests: string[] = [];
  const troubles: GcsTrouble[] = [];

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const line = `${request.method} ${request.url}`;
    requests.push(line);
    const at = troubles.findIndex(
      ({ method, pathIncludes }) => method === request.method && line.includes(pathIncludes),
    );
    const trouble = at < 0 ? undefined : troubles.splice(at, 1)[0];
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const body = await readBody(request);
    if (trouble?.when === 'before') return meetTrouble(trouble, response);
    const answer = service({ request, url, body });
    if (trouble?.when === 'after') return meetTrouble(trouble, response);
    const told = trouble?.when === 'flipped' ? withWrongBit(answer) : answer;
    send(response, told, request.method === 'HEAD', trouble?.when === 'middle');
  };

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      const isXml = !isJsonPath(request.url ?? '');
      send(response, errorAnswer(error, isXml), request.method === 'HEAD', false);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    trouble: (...more) => void troubles.push(...more),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isJsonPath(path: string): boolean {
  return /^\/(upload\/|download\/)?storage\/v1\//.test(path);
}

function createService(state: GcsState, clock: Clock, options: GcsEmulatorOptions): (x: Exchange) => Answer {
  const sessions = new Map<string, ResumableSession>();
  return ({ request, url, body }) => {
    const path = url.pathname;
    const method = request.method ?? 'GET';
    const token = options.accessToken;
    if (isJsonPath(path) && token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      throw new GcsError(401, 'Anonymous caller does not have storage access.', 'required', 'AuthenticationRequired');
    let found = /^\/storage\/v1\/b$/.exec(path);
    if (found !== null && method === 'POST') {
      const { name } = JSON.parse(body.toString()) as { name: string };
      state.createBucket(name);
      return { status: 200, body: { kind: 'storage#bucket', id: name, name } };
    }
    found = /^\/storage\/v1\/b\/([^/]+)$/.exec(path);
    if (found !== null && method === 'GET') {
      const name = decodeURIComponent(found[1]!);
      state.bucket(name);
      return { status: 200, body: { kind: 'storage#bucket', id: name, name } };
    }
    found = /^\/storage\/v1\/b\/([^/]+)\/o$/.exec(path);
    if (found !== null && method === 'GET') return list(state, decodeURIComponent(found[1]!), url, options);
    found = /^(?:\/download)?\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)$/.exec(path);
    if (found !== null)
      return object(state, decodeURIComponent(found[1]!), decodeURIComponent(found[2]!), { request, url, body });
    found = /^\/upload\/storage\/v1\/b\/([^/]+)\/o$/.exec(path);
    if (found !== null) return upload(state, sessions, decodeURIComponent(found[1]!), { request, url, body });
    found = /^\/([a-z0-9][a-z0-9._-]+)\/(.+)$/.exec(path);
    if (found !== null) {
      verifyV4Signature(request, url, options.signers ?? {}, clock.nowMs());
      return signedRequest(state, found[1]!, decodeURIComponent(found[2]!), { request, url, body });
    }
    throw new GcsError(404, `No route for ${method} ${path}`, 'notFound', 'InvalidURI');
  };
}

// ---- JSON interface

function list(state: GcsState, bucket: string, url: URL, options: GcsEmulatorOptions): Answer {
  const query = url.searchParams;
  const wanted = Math.min(Number(query.get('maxResults') ?? 1000), options.pageObjectsMax ?? 1000);
  const after = Buffer.from(query.get('pageToken') ?? '', 'base64url').toString();
  const { objects, isLast } = state.page(bucket, query.get('prefix') ?? '', after, wanted);
  return {
    status: 200,
    body: {
      kind: 'storage#objects',
      items: objects.map((item) => resource(bucket, item)),
      ...(isLast ? {} : { nextPageToken: Buffer.from(objects.at(-1)!.name).toString('base64url') }),
    },
  };
}

function object(state: GcsState, bucket: string, name: string, { request, url, body }: Exchange): Answer {
  const query = url.searchParams;
  if (request.method === 'DELETE') {
    state.remove(bucket, name, query.get('ifGenerationMatch'));
    return { status: 204 };
  }
  if (request.method === 'PATCH') {
    const { retention } = JSON.parse(body.toString()) as { retention?: { mode: string; retainUntilTime: string } };
    if (retention?.mode !== 'Locked') throw new GcsError(400, 'Nothing to change.', 'invalid', 'InvalidRequest');
    state.retain(bucket, name, Date.parse(retention.retainUntilTime));
    return { status: 200, body: resource(bucket, state.object(bucket, name)) };
  }
  if (request.method !== 'GET') throw new GcsError(405, 'Method not allowed', 'methodNotAllowed', 'MethodNotAllowed');
  const item = state.object(bucket, name);
  const generation = query.get('generation');
  if (generation !== null && generation !== item.generation)
    throw new GcsError(404, `No such object: ${bucket}/${name}`, 'notFound', 'NoSuchKey');
  state.requireGeneration(bucket, name, query.get('ifGenerationMatch'));
  const isMedia = query.get('alt') === 'media' || url.pathname.startsWith('/download');
  return isMedia ? media(item, request, query) : { status: 200, body: resource(bucket, item) };
}

function resource(bucket: string, item: GcsObject): object {
  const time = new Date(item.createdMs).toISOString();
  return {
    kind: 'storage#object',
    id: `${bucket}/${item.name}/${item.generation}`,
    name: item.name,
    bucket,
    generation: item.generation,
    metageneration: '1',
    contentType: item.contentType,
    size: String(item.bytes.length),
    md5Hash: item.md5,
    crc32c: item.crc32c,
    etag: Buffer.from(item.generation).toString('base64'),
    storageClass: 'STANDARD',
    timeCreated: time,
    updated: time,
  };
}

function media(item: GcsObject, request: IncomingMessage, query: URLSearchParams): Answer {
  const size = item.bytes.length;
  const disposition = query.get('response-content-disposition');
  const headers: Record<string, string> = {
    'content-type': item.contentType,
    'x-goog-hash': `crc32c=${item.crc32c},md5=${item.md5}`,
    'x-goog-generation': item.generation,
    'x-goog-stored-content-encoding': 'identity',
    'x-goog-stored-content-length': String(size),
    'accept-ranges': 'bytes',
    ...(disposition === null ? {} : { 'content-disposition': disposition }),
  };
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '');
  if (range === null || (range[1] === '' && range[2] === '')) return { status: 200, headers, body: item.bytes };
  const first = range[1] === '' ? Math.max(0, size - Number(range[2])) : Number(range[1]);
  const last = range[1] === '' || range[2] === '' ? size - 1 : Math.min(size - 1, Number(range[2]));
  if (first >= size) {
    return {
      status: 416,
      headers: { 'content-range': `bytes */${size}`, 'content-type': 'text/plain' },
      body: Buffer.from('The requested range cannot be satisfied.'),
    };
  }
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${first}-${last}/${size}` },
    body: item.bytes.subarray(first, last + 1),
  };
}

interface UploadMetadata {
  readonly name?: string;
  readonly contentType?: string;
  readonly crc32c?: string;
  readonly md5Hash?: string;
}

function upload(
  state: GcsState,
  sessions: Map<string, ResumableSession>,
  bucket: string,
  { request, url, body }: Exchange,
): Answer {
  const query = url.searchParams;
  const condition = query.get('ifGenerationMatch');
  const sessionId = query.get('upload_id');
  if (sessionId !== null) return resumableChunk(state, sessions, sessionId, request, body);
  switch (query.get('uploadType')) {
    case 'media': {
      const claims = { contentType: request.headers['content-type'] };
      return { status: 200, body: resource(bucket, state.write(bucket, query.get('name')!, body, claims, condition)) };
    }
    case 'multipart': {
      const { metadata, contentType, bytes } = parseMultipart(request.headers['content-type'] ?? '', body);
      const claims = {
        contentType: metadata.contentType ?? contentType,
        crc32c: metadata.crc32c,
        md5: metadata.md5Hash,
      };
      const name = metadata.name ?? query.get('name')!;
      return { status: 200, body: resource(bucket, state.write(bucket, name, bytes, claims, condition)) };
    }
    case 'resumable': {
      const metadata = (body.length === 0 ? {} : JSON.parse(body.toString())) as UploadMetadata;
      const name = query.get('name') ?? metadata.name!;
      state.requireGeneration(bucket, name, condition);
      const id = randomUUID();
      sessions.set(id, {
        bucket,
        name,
        contentType: metadata.contentType ?? String(request.headers['x-upload-content-type'] ?? ''),
        crc32c: metadata.crc32c,
        ifGenerationMatch: condition,
        bytes: Buffer.alloc(0),
      });
      const location = `http://${request.headers.host}${url.pathname}?uploadType=resumable&upload_id=${id}`;
      return { status: 200, headers: { location, 'x-guploader-uploadid': id } };
    }
    default:
      throw new GcsError(400, 'Unknown upload type.', 'invalid', 'InvalidArgument');
  }
}

/** Content-Range: `bytes 0-99/*` (more to come), `bytes 0-99/100` (the last), `bytes *\/100` (how far are we?). */
function resumableChunk(
  state: GcsState,
  sessions: Map<string, ResumableSession>,
  id: string,
  request: IncomingMessage,
  body: Buffer,
): Answer {
  const session = sessions.get(id);
  if (session === undefined) throw new GcsError(404, 'No such upload session.', 'notFound', 'NoSuchUpload');
  if (request.method === 'DELETE') {
    sessions.delete(id);
    return { status: 499 };
  }
  const range = /^bytes (?:(\d+)-(\d+|\*)|\*)\/(\d+|\*)$/.exec(String(request.headers['content-range'] ?? ''));
  const isQuestion = range !== null && range[1] === undefined && body.length === 0;
  if (!isQuestion) {
    if (range?.[1] !== undefined && Number(range[1]) !== session.bytes.length)
      throw new GcsError(503, 'The chunk does not follow what is there.', 'backendError', 'InternalError');
    session.bytes = Buffer.concat([session.bytes, body]);
  }
  const total = range === null || range[3] === '*' ? undefined : Number(range[3]);
  const isWhole = range === null || range[2] === '*' || total === session.bytes.length;
  if (!isWhole) {
    const headers = session.bytes.length === 0 ? {} : { range: `bytes=0-${session.bytes.length - 1}` };
    return { status: 308, headers };
  }
  sessions.delete(id);
  const item = state.write(session.bucket, session.name, session.bytes, session, session.ifGenerationMatch);
  return { status: 200, body: resource(session.bucket, item) };
}

function parseMultipart(
  contentType: string,
  body: Buffer,
): { metadata: UploadMetadata; contentType: string | undefined; bytes: Buffer } {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (boundary === undefined) throw new GcsError(400, 'No boundary.', 'invalid', 'InvalidArgument');
  const separator = Buffer.from(`--${boundary}`);
  const starts: number[] = [];
  for (let at = body.indexOf(separator); at >= 0; at = body.indexOf(separator, at + separator.length)) starts.push(at);
  const parts = starts.slice(0, -1).map((start, at) => {
    const part = body.subarray(start + separator.length + 2, starts[at + 1]! - 2);
    const headEnd = part.indexOf('\r\n\r\n');
    return { head: part.subarray(0, headEnd).toString(), content: part.subarray(headEnd + 4) };
  });
  const [metadata, data] = parts;
  if (metadata === undefined || data === undefined)
    throw new GcsError(400, 'Two parts are needed.', 'invalid', 'InvalidArgument');
  return {
    metadata: JSON.parse(metadata.content.toString()) as UploadMetadata,
    contentType: /^content-type:\s*(.+)$/im.exec(data.head)?.[1],
    bytes: Buffer.from(data.content),
  };
}

// ---- XML interface, by signed URL

function signedRequest(state: GcsState, bucket: string, name: string, { request, url, body }: Exchange): Answer {
  if (request.method === 'GET' || request.method === 'HEAD')
    return media(state.object(bucket, name), request, url.searchParams);
  if (request.method !== 'PUT') throw new GcsError(405, 'Method not allowed', 'methodNotAllowed', 'MethodNotAllowed');
  const range = /^(\d+),(\d+)$/.exec(String(request.headers['x-goog-content-length-range'] ?? ''));
  if (range !== null && body.length < Number(range[1]))
    throw new GcsError(400, 'Your proposed upload is too small.', 'invalid', 'EntityTooSmall');
  if (range !== null && body.length > Number(range[2]))
    throw new GcsError(400, 'Your proposed upload is too large.', 'invalid', 'EntityTooLarge');
  const hashes = new Map(
    String(request.headers['x-goog-hash'] ?? '')
      .split(',')
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const),
  );
  const claims = {
    contentType: request.headers['content-type'],
    crc32c: hashes.get('crc32c'),
    md5: request.headers['content-md5'] as string | undefined,
  };
  const condition = request.headers['x-goog-if-generation-match'] as string | undefined;
  const item = state.write(bucket, name, body, claims, condition);
  return {
    status: 200,
    headers: { 'x-goog-generation': item.generation, 'x-goog-hash': `crc32c=${item.crc32c},md5=${item.md5}` },
  };
}

// ---- the wire

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function meetTrouble(trouble: GcsTrouble, response: ServerResponse): void {
  if (trouble.answer === 'drop') response.destroy();
  else
    send(
      response,
      errorAnswer(new GcsError(trouble.answer, 'Trouble.', 'backendError', 'InternalError'), false),
      false,
      false,
    );
}

function withWrongBit(answer: Answer): Answer {
  if (!Buffer.isBuffer(answer.body) || answer.body.length === 0) return answer;
  const body = Buffer.from(answer.body);
  body[body.length >> 1] = body[body.length >> 1]! ^ 1;
  return { ...answer, body };
}

function errorAnswer(error: unknown, isXml: boolean): Answer {
  const known = error instanceof GcsError ? error : new GcsError(500, String(error), 'backendError', 'InternalError');
  const { status, message, reason, xmlCode } = known;
  if (isXml) {
    const body = Buffer.from(
      `<?xml version='1.0'?><Error><Code>${xmlCode}</Code><Message>${message}</Message></Error>`,
    );
    return { status, headers: { 'content-type': 'application/xml' }, body };
  }
  return { status, body: { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } } };
}

function send(response: ServerResponse, answer: Answer, isHead: boolean, isBroken: boolean): void {
  const isBytes = Buffer.isBuffer(answer.body);
  const body = Buffer.isBuffer(answer.body)
    ? answer.body
    : Buffer.from(answer.body === undefined ? '' : JSON.stringify(answer.body));
  const headers = { ...(isBytes ? {} : { 'content-type': 'application/json; charset=UTF-8' }), ...answer.headers };
  response.writeHead(answer.status, { ...headers, 'content-length': String(body.length) });
  if (isBroken) response.write(body.subarray(0, body.length >> 1), () => response.destroy());
  else response.end(isHead ? undefined : body);
}
