/** A refusal as the agent's error: the server's own words where it spoke them, otherwise a sentence about the status. */
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import { refusal } from '../../core/protocol/messages.ts';
import type { HttpAnswer } from './http-transfer.ts';

export function refusalError(answer: HttpAnswer, serverUrl: string): HoldfastError {
  const header = Number(answer.headers['retry-after'] ?? Number.NaN);
  const fromHeader = Number.isFinite(header) && header >= 0 ? header : undefined;
  const isBusy = answer.status === 429 || answer.status === 408 || answer.status >= 500;
  const parsed = refusal.safeParse(parseJson(answer.body));
  if (parsed.success) {
    const { code, message, action, serverTimeMs, retryAfterSeconds, supported } = parsed.data.error;
    return new HoldfastError(code, message, {
      detail: {
        status: answer.status,
        action,
        serverTimeMs,
        retryAfterSeconds: retryAfterSeconds ?? fromHeader,
        supported,
        // Refused bytes also say "retry", but with other bytes: that is decided where they are sent.
        isTransient: action === 'retry' && (isBusy || code === 'replayed_request'),
      },
    });
  }
  return new HoldfastError(
    isBusy ? 'storage_unavailable' : 'bad_request',
    isBusy
      ? `The server at ${serverUrl} is not available at the moment (it answered ${answer.status}). Existing backups are not affected; try again later.`
      : `${serverUrl} answered ${answer.status} and does not seem to be a Holdfast gateway. Check the address.`,
    { detail: { status: answer.status, retryAfterSeconds: fromHeader, isTransient: isBusy } },
  );
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Whether the same request may succeed later without anybody doing anything. */
export function isTransient(error: unknown): boolean {
  return isHoldfastError(error) && error.detail.isTransient === true;
}

export function retryAfterOf(error: HoldfastError): number | undefined {
  return typeof error.detail.retryAfterSeconds === 'number' ? error.detail.retryAfterSeconds : undefined;
}
