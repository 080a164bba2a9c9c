/** Every failure of the gateway as the agent meets it: HTTP status, code, a sentence for people, and what to do about it. */
import type { IncomingMessage } from 'node:http';
import { type ErrorCode, HoldfastError, publicMessage } from '../core/base/errors.ts';
import type { Refusal } from '../core/protocol/messages.ts';
import { PROTOCOL_SUPPORTED } from '../core/protocol/version.ts';

export type RefusalAction = Refusal['error']['action'];
export type RefusalStatus = 400 | 401 | 403 | 404 | 409 | 412 | 413 | 422 | 426 | 429 | 500 | 503 | 507;

interface Meaning {
  readonly status: RefusalStatus;
  readonly action: RefusalAction;
}

/** Complete by type: a new error code does not compile until somebody decided what it tells an agent. */
const MEANINGS: Readonly<Record<ErrorCode, Meaning>> = {
  bad_request: { status: 400, action: 'stop' },
  not_found: { status: 404, action: 'stop' },
  forbidden: { status: 403, action: 'ask_provider' },
  unauthenticated: { status: 401, action: 'enrol_again' },
  rate_limited: { status: 429, action: 'retry' },
  conflict: { status: 409, action: 'stop' },
  protocol_unsupported: { status: 426, action: 'update_agent' },
  signature_invalid: { status: 401, action: 'enrol_again' },
  clock_skew: { status: 401, action: 'fix_clock' },
  replayed_request: { status: 401, action: 'retry' },
  device_unknown: { status: 401, action: 'enrol_again' },
  device_revoked: { status: 403, action: 'ask_provider' },
  token_invalid: { status: 401, action: 'ask_provider' },
  token_used: { status: 409, action: 'ask_provider' },
  token_expired: { status: 401, action: 'ask_provider' },
  lease_expired: { status: 403, action: 'retry' },
  object_exists: { status: 412, action: 'retry' },
  object_missing: { status: 404, action: 'start_new_run' },
  object_mismatch: { status: 422, action: 'retry' },
  commit_invalid: { status: 422, action: 'start_new_run' },
  run_not_open: { status: 409, action: 'start_new_run' },
  grant_required: { status: 403, action: 'ask_provider' },
  grant_expired: { status: 403, action: 'ask_provider' },
  vault_quarantined: { status: 403, action: 'ask_provider' },
  repository_missing: { status: 404, action: 'stop' },
  repository_exists: { status: 409, action: 'stop' },
  wrong_password: { status: 403, action: 'stop' },
  repository_damaged: { status: 422, action: 'ask_provider' },
  unsafe_restore: { status: 422, action: 'stop' },
  source_missing: { status: 422, action: 'stop' },
  source_unreadable: { status: 422, action: 'stop' },
  disk_full: { status: 507, action: 'ask_provider' },
  port_busy: { status: 500, action: 'ask_provider' },
  service_missing: { status: 503, action: 'retry' },
  storage_unavailable: { status: 503, action: 'retry' },
  cancelled: { status: 503, action: 'retry' },
  internal: { status: 500, action: 'retry' },
};

const RETRY_AFTER_SECONDS = 5;

export interface RefusalAnswer {
  readonly status: RefusalStatus;
  readonly body: Refusal;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is unexpected becomes `internal` with a neutral sentence: no cause leaves the service. */
export function refusalFor(error: unknown, nowMs: number): RefusalAnswer {
  const code: ErrorCode = error instanceof HoldfastError ? error.code : 'internal';
  // A body over the limit is a bad request that has a status of its own.
  const isTooLarge = error instanceof HoldfastError && error.detail['tooLarge'] === true;
  const status = isTooLarge ? 413 : MEANINGS[code].status;
  const retryAfter = status === 429 || status === 503 ? retryAfterOf(error) : undefined;
  return {
    status,
    headers: retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
    body: {
      error: {
        code,
        message: publicMessage(error),
        action: MEANINGS[code].action,
        serverTimeMs: nowMs,
        ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }),
        ...(code === 'protocol_unsupported' ? { supported: { ...PROTOCOL_SUPPORTED } } : {}),
      },
    },
  };
}

function retryAfterOf(error: unknown): number {
  const wanted = error instanceof HoldfastError ? error.detail['retryAfterSeconds'] : undefined;
  return typeof wanted === 'number' && wanted >= 0 ? Math.ceil(wanted) : RETRY_AFTER_SECONDS;
}

/** Failures that are ours, and therefore belong in the error log. */
export function isOwnFault(status: number): boolean {
  return status >= 500;
}

/** A refused sender may still be sending gigabytes: the connection ends with the answer instead of swallowing them. */
export function endUnreadBody(incoming: IncomingMessage): Record<string, string> {
  const hasBody =
    incoming.headers['content-length'] !== undefined || incoming.headers['transfer-encoding'] !== undefined;
  return hasBody && !incoming.readableEnded ? { connection: 'close' } : {};
}
