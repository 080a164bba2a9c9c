/**
 * One HTTP exchange, without redirects and without retries: those are decided above, where it is known what may be
 * repeated. A transfer that makes no progress for `stallMs` is ended (a stuck connection would otherwise hold a run forever).
 */
import { childEnvironment } from '../../core/base/child-environment.ts';
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { HoldfastError } from '../../core/base/errors.ts';
import type { Pace } from './speed-limiter.ts';

/** restic ends a stuck connection after two minutes; so do we. */
export const STALL_MS = 120_000;

export interface HttpExchange {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
  readonly stallMs?: number;
  /** Slows the body that is sent, and the answer's. Waiting for it is no stall. */
  readonly pace?: { readonly up: Pace; readonly down: Pace } | undefined;
  /** From the first byte sent to the last received. */
  readonly totalMs?: number;
  /** More than this is refused while it arrives. */
  readonly responseBytesMax: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** The exchange did not end with an answer: whether the other side acted on it is unknown. */
export class TransportError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'TransportError';
  }
}

export interface HttpTransfer {
  exchange(request: HttpExchange): Promise<HttpAnswer>;
  close(): void;
}

/** `proxyEnv`: HTTP_PROXY, HTTPS_PROXY, NO_PROXY as the machine has them set; Node's own agents understand them. */
export function createHttpTransfer(proxyEnv: Readonly<Record<string, string>> = {}): HttpTransfer {
  // A proxy never reaches our own loopback.
  const noProxy = [proxyEnv.NO_PROXY, 'localhost', '127.0.0.1', '[::1]'].filter(Boolean).join(',');
  const env = childEnvironment({ ...proxyEnv, NO_PROXY: noProxy });
  const options = { keepAlive: true, maxSockets: 16, proxyEnv: env };
  const plain = new HttpAgent(options);
  const tls = new HttpsAgent(options);
  return {
    exchange: (request) => exchange(request, plain, tls),
    close: () => {
      plain.destroy();
      tls.destroy();
    },
  };
}

function exchange(terms: HttpExchange, plain: HttpAgent, tls: HttpsAgent): Promise<HttpAnswer> {
  const url = new URL(terms.url);
  const isTls = url.protocol === 'https:';
  if (terms.signal?.aborted) return Promise.reject(cancelled());
  return new Promise((resolve, reject) => {
    const request = (isTls ? httpsRequest : httpRequest)(url, {
      method: terms.method,
      agent: isTls ? tls : plain,
      headers: {
        ...terms.headers,
        ...(terms.body === undefined ? {} : { 'content-length': String(terms.body.byteLength) }),
      },
    });
    const fail = (error: unknown): void => {
      clearTimeout(totalTimer);
      terms.signal?.removeEventListener('abort', onAbort);
      request.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(cancelled());
    const totalTimer = setTimeout(
      () => fail(new TransportError(`no answer from ${url.host} within ${(terms.totalMs ?? 0) / 1000} seconds`)),
      terms.totalMs ?? 2 ** 31 - 1,
    );
    totalTimer.unref();
    terms.signal?.addEventListener('abort', onAbort, { once: true });
    const stallMs = terms.stallMs ?? STALL_MS;
    request.setTimeout(stallMs, () => fail(new TransportError(`${url.host} stopped answering`)));
    request.on('error', (error) => fail(new TransportError(`${url.host} cannot be reached: ${error.message}`, error)));
    request.on('response', (response) => {
      const pieces: Buffer[] = [];
      let received = 0;
      response.on('data', (piece: Buffer) => {
        received += piece.length;
        if (received > terms.responseBytesMax) fail(new TransportError(`${url.host} answered with too many bytes`));
        else pieces.push(piece);
        if (terms.pace?.down.isLimited() === true)
          holdBack(request, response, piece.length, terms.pace.down, stallMs, terms.signal, fail);
      });
      response.on('error', (error) => fail(new TransportError(`the answer of ${url.host} broke off`, error)));
      // 'close' without complete: the connection broke in the middle of the answer.
      response.on('close', () => {
        if (!response.complete) fail(new TransportError(`the answer of ${url.host} broke off`));
      });
      response.on('end', () => {
        if (!response.complete) return;
        clearTimeout(totalTimer);
        terms.signal?.removeEventListener('abort', onAbort);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) });
      });
    });
    if (terms.body === undefined || terms.pace?.up.isLimited() !== true) request.end(terms.body);
    else sendPaced(request, terms.body, terms.pace.up, stallMs, terms.signal).catch(fail);
  });
}

/** Reads no further until the bytes that came are allowed; the socket's buffer then slows the sender. */
function holdBack(
  request: ClientRequest,
  response: IncomingMessage,
  bytes: number,
  pace: Pace,
  stallMs: number,
  signal: AbortSignal | undefined,
  fail: (error: unknown) => void,
): void {
  response.pause();
  request.setTimeout(0);
  pace.take(bytes, signal).then(() => {
    request.setTimeout(stallMs);
    response.resume();
  }, fail);
}

async function sendPaced(
  request: ClientRequest,
  body: Uint8Array,
  pace: Pace,
  stallMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let at = 0; at < body.length && !request.destroyed; ) {
    const slice = body.subarray(at, at + pace.sliceBytes());
    request.setTimeout(0);
    await pace.take(slice.length, signal);
    request.setTimeout(stallMs);
    at += slice.length;
    if (!request.write(slice) && !request.destroyed)
      await new Promise<void>((resolve) => {
        const go = (): void => {
          request.off('drain', go).off('close', go);
          resolve();
        };
        request.on('drain', go).on('close', go);
      });
  }
  if (!request.destroyed) request.end();
}

export function cancelled(): HoldfastError {
  return new HoldfastError('cancelled', 'Stopped before it was finished. Nothing that was sealed before is affected.');
}
