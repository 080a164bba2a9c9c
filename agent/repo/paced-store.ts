/** A store whose transfers keep to a rate, so that a backup leaves something of the line to others. */
import type { Clock } from '../../core/base/clock.ts';
import type { ReadCreateStore } from '../../core/storage/port.ts';

export interface PaceOptions {
  /** Bytes per second to and from the store; undefined: as fast as it goes. */
  readonly upBytesPerSecond: number | undefined;
  readonly downBytesPerSecond: number | undefined;
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Nothing but these calls: a shortcut of the store below would go past the rate. */
export function pacedStore(store: ReadCreateStore, options: PaceOptions): ReadCreateStore {
  const up = paceOf(options.upBytesPerSecond, options);
  const down = paceOf(options.downBytesPerSecond, options);
  return {
    head: (key) => store.head(key),
    list: (prefix) => store.list(prefix),
    async get(key, range) {
      const bytes = await store.get(key, range);
      await down(bytes.length);
      return bytes;
    },
    async *stream(key) {
      for await (const piece of store.stream(key)) {
        await down(piece.length);
        yield piece;
      }
    },
    async create(key, bytes, terms) {
      await up(bytes.length);
      return await store.create(key, bytes, terms);
    },
  };
}

/** Each transfer waits until those before it, and it itself, have had the time that their bytes take. */
function paceOf(rate: number | undefined, { clock, sleep }: PaceOptions): (bytes: number) => Promise<void> {
  if (rate === undefined) return async () => undefined;
  let freeMs = clock.nowMs();
  return async (bytes) => {
    const nowMs = clock.nowMs();
    freeMs = Math.max(freeMs, nowMs) + (bytes / rate) * 1000;
    await sleep(freeMs - nowMs);
  };
}
