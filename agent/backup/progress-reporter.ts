/** Tells the server how far a run is: at most once a second, the newest figures, never in the way of the backup. */
import { isHoldfastError } from '../../core/base/errors.ts';
import type { RunProgress } from '../../core/protocol/messages.ts';
import type { BackupProgress } from '../../core/repository/types.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';

const EVERY_MS = 1000;
const ALIVE_MS = 60_000;
/** Of a run that has begun. */
export const NOTHING_YET: RunProgress = {
  phase: 'scan',
  filesDone: 0,
  filesTotal: 0,
  bytesDone: 0,
  bytesTotal: 0,
  bytesAdded: 0,
};

/** Refusals after which the run cannot count any more; going on would only waste the machine's time. */
const ENDING = ['run_not_open', 'device_revoked', 'device_unknown', 'not_found'] as const;

export class ProgressReporter {
  latest: RunProgress | undefined;
  readonly #client: Pick<GatewayClient, 'progress'>;
  readonly #runId: string;
  readonly #onEnded: (error: Error) => void;
  #isSending = false;
  #isOver = false;
  #sentMs = Number.NEGATIVE_INFINITY;

  constructor(client: Pick<GatewayClient, 'progress'>, runId: string, onEnded: (error: Error) => void) {
    this.#client = client;
    this.#runId = runId;
    this.#onEnded = onEnded;
  }

  /** A hook or a dump may be silent for long; without a word for half an hour the server would end the run. */
  async whileAlive<T>(work: () => Promise<T>): Promise<T> {
    const timer = setInterval(() => this.report(this.latest ?? NOTHING_YET), ALIVE_MS);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      // The commit comes next. A report that it overtakes on the way is refused, and that says nothing of the run.
      this.#isOver = true;
    }
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
        if (!this.#isOver && ENDING.some((code) => isHoldfastError(error, code))) this.#onEnded(error as Error);
      })
      .finally(() => {
        this.#isSending = false;
      });
  }
}
