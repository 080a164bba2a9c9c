/**
 * Every failure that Holdfast reports carries two texts: `message` is for the person who reads it (what happened, what it
 * means for the data, what to do) and `cause`/`detail` is for the log. `code` is from a closed union, so that a refusal
 * can be handled by machines without reading prose.
 */
export const ERROR_CODES = [
  // requests and identity
  'bad_request',
  'not_found',
  'forbidden',
  'unauthenticated',
  'rate_limited',
  'conflict',
  'protocol_unsupported',
  'signature_invalid',
  'clock_skew',
  'replayed_request',
  'device_unknown',
  'device_revoked',
  'token_invalid',
  'token_used',
  'token_expired',
  // uploads, commits and restores
  'lease_expired',
  'object_exists',
  'object_missing',
  'object_mismatch',
  'commit_invalid',
  'run_not_open',
  'grant_required',
  'grant_expired',
  'vault_quarantined',
  // repository
  'repository_missing',
  'repository_exists',
  'wrong_password',
  'repository_damaged',
  'unsafe_restore',
  'source_missing',
  'source_unreadable',
  // machine
  'disk_full',
  'port_busy',
  'service_missing',
  'storage_unavailable',
  'cancelled',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export class HoldfastError extends Error {
  readonly code: ErrorCode;
  /** Structured facts for the log and for tests; never secrets, never shown to people as they are. */
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; detail?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HoldfastError';
    this.code = code;
    this.detail = options.detail ?? {};
  }
}

export function isHoldfastError(error: unknown, code?: ErrorCode): error is HoldfastError {
  return error instanceof HoldfastError && (code === undefined || error.code === code);
}

/** The text that may be shown to a person; an unexpected error yields a neutral sentence, so that no internals leak. */
export function publicMessage(error: unknown): string {
  return error instanceof HoldfastError
    ? error.message
    : 'Something failed inside Holdfast. Nothing that was already sealed is affected. Try again; if it fails again, the service log has the cause.';
}
