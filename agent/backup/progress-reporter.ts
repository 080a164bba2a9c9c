/** Tells the server how far a run is: at most once a second, the newest figures, never in the way of the backup. */
import { isHoldfastError } from '../../core/base/errors.ts';
import type { RunProgress } from '../../core/protocol/messages.ts';
import type { BackupProgress } from '../../core/repository/types.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';

const EVERY_MS = 1000;

/** Refusals after which the run cannot count any more; going on would only waste the machine's time. */
const ENDING = ['run_not_open', 'device_revoked', 'device_unknown', 'not_found'] as const;

export class ProgressReporter {
  latest: RunProgress | undefined;
  readonly #client: GatewayClient;
  readonly #runId: string;
  readonly #onEnded: (error: Error) => void;
  #isSending = false;
  #sentMs = 0;

  constructor(client: GatewayClient, runId: string, onEnded: (error: Error) => void) {
    this.#client = client;
    this.#runId = runId;
    this.#onEnded = onEnded;
  }

  report(progress: BackupProgress): void {
    const { phase, filesDone, filesTotal, bytesDone, bytesTotal, bytesAdded } = progress;
    this.latest = { phase, filesDone, filesTotal, bytesDone, bytesTotal, bytesAdded };
    const nowMs = performance.now();
    if (this.#isSending || nowMs - this.#sentMs < EVERY_MS) return;
    this.#isSending = true;
    this.#sentMs = nowMs;
    this.#client
      .progress(this.#runId, this.latest, { retryForMs: 0, totalMs: 10_000 })
      .catch((error: unknown) => {
        if (ENDING.some((code) => isHoldfastError(error, code))) this.#onEnded(error as Error);
      })
      .finally(() => {
        this.#isSending = false;
      });
  }
}
