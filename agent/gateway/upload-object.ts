/** Brings one object to where its grant points, or finds out that it is there already. */
import { HoldfastError } from '../../core/base/errors.ts';
import type { ManifestObject } from '../../core/protocol/manifest.ts';
import type { UploadGrant } from '../../core/protocol/messages.ts';
import { backoffMs } from './backoff.ts';
import type { GatewayClient } from './gateway-client.ts';
import { type HttpAnswer, TransportError } from './http-transfer.ts';
import { isTransient, refusalError, retryAfterOf } from './refusal-error.ts';

export interface UploadTerms {
  readonly client: GatewayClient;
  readonly object: ManifestObject;
  readonly bytes: Uint8Array;
  readonly grant: UploadGrant;
  /** A fresh grant, when this one expired or the object may have arrived with an answer that got lost. */
  readonly renew: () => Promise<UploadGrant>;
  readonly signal?: AbortSignal | undefined;
  readonly retryForMs: number;
  readonly stallMs?: number;
}

/** Damage on the way heals by sending again; damage in our own memory does not. */
const MISMATCHES_MAX = 3;
const RENEWALS_MAX = 20;

/**
 * 'exists' when the server says that these very bytes are there already.
 * @throws HoldfastError storage_unavailable, object_mismatch, cancelled, and the server's refusals of a new lease.
 */
export async function uploadObject(terms: UploadTerms): Promise<'created' | 'exists'> {
  const { client, object } = terms;
  let { grant } = terms;
  let waitedMs = 0;
  let mismatches = 0;
  let renewals = 0;
  for (let attempt = 0; ; attempt++) {
    if (grant.state === 'present') return 'exists';
    const outcome = await put(terms, grant);
    if (outcome === 'stored') return 'created';
    if (outcome.kind === 'taken' || outcome.kind === 'expired') {
      // Taken: by our own upload whose answer was lost, or by other bytes. Only the server's comparison decides.
      if (renewals++ >= (outcome.kind === 'taken' ? 2 : RENEWALS_MAX)) throw outcome.error;
      grant = await terms.renew();
      continue;
    }
    if (outcome.kind === 'mismatch') {
      if (++mismatches >= MISMATCHES_MAX) throw outcome.error;
      client.log.warn({ key: object.key }, 'an upload arrived damaged and is sent again');
    }
    if (outcome.kind === 'refused') throw outcome.error;
    const waitMs = backoffMs(attempt, retryAfterOf(outcome.error), client.waiting.random);
    if (waitedMs + waitMs > terms.retryForMs) throw outcome.error;
    waitedMs += waitMs;
    await client.waiting.sleep(waitMs, terms.signal);
    // The connection may have broken after the store had everything: asking again tells, without sending it twice.
    if (outcome.kind === 'unknown') grant = await terms.renew();
  }
}

interface Failure {
  readonly kind: 'taken' | 'expired' | 'mismatch' | 'unknown' | 'refused';
  readonly error: HoldfastError;
}

async function put(terms: UploadTerms, grant: UploadGrant): Promise<'stored' | Failure> {
  if (grant.url === undefined) throw new HoldfastError('internal', 'The server leased an upload without an address.');
  let answer: HttpAnswer;
  try {
    answer = await terms.client.transfer.exchange({
      method: 'PUT',
      url: grant.url,
      headers: grant.headers ?? {},
      body: terms.bytes,
      signal: terms.signal,
      responseBytesMax: 1024 * 1024,
      pace: terms.client.speed,
      ...(terms.stallMs === undefined ? {} : { stallMs: terms.stallMs }),
    });
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const host = new URL(grant.url).host;
    return {
      kind: 'unknown',
      error: new HoldfastError(
        'storage_unavailable',
        `The storage at ${host} cannot be reached. Existing backups are not affected; the next run continues where this one stopped.`,
        { cause: error },
      ),
    };
  }
  if (answer.status >= 200 && answer.status < 300) return 'stored';
  const error = refusalError(answer, new URL(grant.url).origin);
  return { kind: kindOf(answer.status, error), error };
}

function kindOf(status: number, error: HoldfastError): Failure['kind'] {
  if (status === 412) return 'taken';
  // Google's store answers 400 or 403 to an expired signature, ours 403.
  if (status === 403 || status === 401) return 'expired';
  if (status === 422 || status === 400) return 'mismatch';
  return isTransient(error) ? 'unknown' : 'refused';
}
