/** A restore that somebody starts at this machine: the service hears how it ended, or it would count as one that was lost. */
import { isHoldfastError, publicMessage } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import type { RestoreEndRequest } from '../../core/protocol/messages.ts';
import { RESTORE_END_REVISION } from '../../core/protocol/version.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';

/** A person waits for the prompt; what cannot be told by then is found out by the service itself. */
const TELL_FOR_MS = 10_000;
const MESSAGE_MAX = 2000;

export interface TellEndOptions {
  readonly client: GatewayClient;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/**
 * Does `work`, which names its permission by calling `onGrant`, and tells its end; `endOf` reads it from the result. What `work`
 * throws is thrown, whether it could be told or not.
 */
export async function tellEnd<T>(
  { client, log, signal }: TellEndOptions,
  work: (onGrant: (grantId: string) => void) => Promise<T>,
  endOf: (result: T) => RestoreEndRequest,
): Promise<T> {
  let grantId: string | undefined;
  const tell = async ({ message, ...end }: RestoreEndRequest): Promise<void> => {
    if (grantId === undefined || client.revision < RESTORE_END_REVISION) return;
    try {
      // Without the signal: that somebody stopped the restore is told as well.
      const cut = { ...end, message: message.slice(0, MESSAGE_MAX) };
      await client.endRestore(grantId, cut, { retryForMs: TELL_FOR_MS, totalMs: TELL_FOR_MS });
    } catch (error) {
      log.warn({ err: error, grantId }, 'the service could not be told how the restore ended');
    }
  };
  let result: T;
  try {
    result = await work((id) => {
      grantId = id;
    });
  } catch (error) {
    const isStopped = signal?.aborted === true || isHoldfastError(error, 'cancelled');
    await tell({ state: isStopped ? 'cancelled' : 'failed', message: publicMessage(error) });
    throw error;
  }
  await tell(endOf(result));
  return result;
}
