/**
 * One request to somebody else's server: to the pinned address alone, without redirects, proxies or compression, within a
 * time and an answer that are bounded. It says whether the request may have arrived, which decides about a second one.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import { HoldfastError, isHoldfastError } from '../../../core/base/errors.ts';
import type { ServerEnv } from '../../env.ts';
import { findWebTarget, type OutboundRules, outboundRules } from './find-target.ts';

const TIME_MS_MAX = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024;

export interface OutboundCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type CallResult =
  | {
      readonly state: 'answered';
      readonly status: number;
      readonly headers: IncomingMessage['headers'];
      readonly text: string;
    }
  /** Not one byte of it left: refused by our own rules, by the name or by the connection. */
  | { readonly state: 'not_sent'; readonly reason: string; readonly isOurs: boolean }
  /** It was sent, and no whole answer came. */
  | { readonly state: 'no_answer'; readonly reason: string };

export interface Caller {
  call(call: OutboundCall): Promise<CallResult>;
}

export interface CallerOptions extends OutboundRules {
  /** Certificates that are trusted beside those of Node. */
  readonly ca?: string | undefined;
  readonly timeMs?: number;
}

export function createCaller(options: CallerOptions): Caller {
  return { call: async (one) => await callOnce(one, options) };
}

export function callerOf(env: ServerEnv): Caller {
  return createCaller({ ...outboundRules(env), ca: extraCertificates(env) });
}

/** An operator's own certificate authority; the file is read when it is needed, so that it can be renewed. */
export function extraCertificates(env: ServerEnv): string | undefined {
  return env.HOLDFAST_OUTBOUND_CA_FILE === undefined ? undefined : readFileSync(env.HOLDFAST_OUTBOUND_CA_FILE, 'utf8');
}

async function callOnce(one: OutboundCall, options: CallerOptions): Promise<CallResult> {
  let target: Awaited<ReturnType<typeof findWebTarget>>;
  try {
    target = await findWebTarget(one.url, options);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { state: 'not_sent', reason: error.message, isOurs: isHoldfastError(error, 'bad_request') };
  }
  const { url, address, hostname, port } = target;
  const isSecure = url.protocol === 'https:';
  const body = one.body === undefined ? undefined : Buffer.from(one.body);
  const settings: RequestOptions = {
    method: one.method,
    // The address, not the name: what the name says meanwhile is not asked again.
    host: address,
    port,
    path: `${url.pathname}${url.search}`,
    headers: {
      'user-agent': 'Holdfast',
      accept: '*/*',
      'accept-encoding': 'identity',
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(body.length) }),
      ...one.headers,
      host: url.host,
    },
    timeout: options.timeMs ?? TIME_MS_MAX,
  };
  if (!isSecure) return await run(httpRequest({ ...settings, agent: false }), body, options);
  // An agent of our own, without a proxy: one of the environment would resolve the name again.
  const agent = new Agent({ keepAlive: false });
  const ca = options.ca === undefined ? undefined : [...rootCertificates, options.ca];
  const secure = { ...(isIP(hostname) === 0 ? { servername: hostname } : {}), ...(ca === undefined ? {} : { ca }) };
  return await run(httpsRequest({ ...settings, agent, minVersion: 'TLSv1.2', ...secure }), body, options).finally(() =>
    agent.destroy(),
  );
}

async function run(
  request: ReturnType<typeof httpRequest>,
  body: Buffer | undefined,
  { timeMs = TIME_MS_MAX }: CallerOptions,
): Promise<CallResult> {
  return await new Promise((resolve) => {
    let isSent = false;
    let isSettled = false;
    const settle = (result: CallResult): void => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(clock);
      resolve(result);
      request.destroy();
    };
    const fail = (reason: string): void =>
      settle(isSent ? { state: 'no_answer', reason } : { state: 'not_sent', reason, isOurs: false });
    // One bound for everything: a server that sends a byte a second is not waited for.
    const clock = setTimeout(() => fail(`There was no whole answer within ${timeMs / 1000} seconds.`), timeMs);
    request.on('error', (error) => fail(connectionWords(error)));
    request.on('socket', (socket) => {
      // Bytes may be on their way from the moment the connection, and its TLS, stand.
      const event = 'encrypted' in socket ? 'secureConnect' : 'connect';
      socket.once(event, () => {
        isSent = true;
      });
    });
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      const end = (): void =>
        settle({
          state: 'answered',
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(parts).subarray(0, ANSWER_BYTES_MAX).toString('utf8'),
        });
      response.on('data', (part: Buffer) => {
        parts.push(part);
        bytes += part.length;
        if (bytes >= ANSWER_BYTES_MAX) end(); // the rest is nobody's business
      });
      response.on('end', end);
      // The status has come: that is the answer, whatever became of its text.
      response.on('error', end);
      response.on('aborted', end);
    });
    request.end(body);
  });
}

function connectionWords(error: Error & { readonly code?: string }): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'The server refused the connection.';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'The server ended the connection before it answered.';
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return 'The server cannot be reached from here.';
    case 'CERT_HAS_EXPIRED':
      return 'The certificate of the server has expired.';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'The certificate of the server is for another name.';
    default:
      return /certificate|self.signed|unable to verify/i.test(error.message)
        ? 'The certificate of the server is not one that is trusted here.'
        : `The connection failed (${error.code ?? 'no code'}).`;
  }
}
