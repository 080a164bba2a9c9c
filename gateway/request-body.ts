/** Bodies of requests: read whole, within bounds, from senders that may be slow, silent or hostile. */
import type { IncomingMessage } from 'node:http';
import { HoldfastError } from '../core/base/errors.ts';

/** A sender that stays silent this long has gone. */
const SILENCE_MS = 60_000;

/**
 * All bytes of the body, in pieces as they arrive. The time between two pieces is bounded, the whole is not: a pack over a
 * slow line may take long, and does no harm.
 * @throws HoldfastError bad_request when the sender breaks off or falls silent.
 */
export async function* receivedPieces(incoming: IncomingMessage, silenceMs = SILENCE_MS): AsyncGenerator<Uint8Array> {
  const silence = (): void => {
    incoming.destroy(new Error(`the sender was silent for ${silenceMs} ms`));
  };
  let timer = setTimeout(silence, silenceMs);
  try {
    for await (const piece of incoming) {
      clearTimeout(timer);
      yield piece as Uint8Array;
      timer = setTimeout(silence, silenceMs);
    }
  } catch (error) {
    throw new HoldfastError(
      'bad_request',
      'The request broke off before its end; nothing of it was kept. Send it again.',
      {
        cause: error,
      },
    );
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Limits how many bytes of request bodies are in memory at once over all requests, because a commit of a large machine is
 * some hundred megabytes and the sender is not known before its body was hashed.
 */
export class BodyBudget {
  #bytesLeft: number;

  constructor(bytesMax: number) {
    this.#bytesLeft = bytesMax;
  }

  /** @throws HoldfastError rate_limited; the sender tries again shortly. */
  take(bytes: number): void {
    if (bytes > this.#bytesLeft)
      throw new HoldfastError('rate_limited', 'The service is busy with other large requests. Try again shortly.', {
        detail: { retryAfterSeconds: 5 },
      });
    this.#bytesLeft -= bytes;
  }

  give(bytes: number): void {
    this.#bytesLeft += bytes;
  }
}

/** @throws HoldfastError bad_request (with detail.tooLarge: answered 413), rate_limited. */
export async function withBody<T>(
  incoming: IncomingMessage,
  bytesMax: number,
  budget: BodyBudget,
  use: (body: Uint8Array) => Promise<T>,
): Promise<T> {
  const announced = Number(incoming.headers['content-length'] ?? 0);
  if (announced > bytesMax) throw tooLarge(bytesMax);
  let taken = 0;
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of receivedPieces(incoming)) {
      if (taken + piece.length > bytesMax) throw tooLarge(bytesMax);
      budget.take(piece.length);
      taken += piece.length;
      pieces.push(piece);
    }
    return await use(Buffer.concat(pieces, taken));
  } finally {
    budget.give(taken);
  }
}

function tooLarge(bytesMax: number): HoldfastError {
  return new HoldfastError(
    'bad_request',
    `This request is larger than the ${bytesMax} bytes that are allowed for it.`,
    {
      detail: { tooLarge: true },
    },
  );
}
