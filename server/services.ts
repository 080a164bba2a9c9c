/** What every use-case needs, made once a process and passed by parameter. */
import { pino } from 'pino';
import { type Clock, systemClock } from '../core/base/clock.ts';
import type { Log } from '../core/base/log.ts';
import type { ObjectStore } from '../core/storage/port.ts';
import { createDb, type Db } from './db/client.ts';
import type { ServerEnv } from './env.ts';
import { KeyRing } from './keys/key-ring.ts';
import { createObjectStore } from './storage/object-store.ts';

export interface Services {
  readonly env: ServerEnv;
  readonly db: Db;
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly keys: KeyRing;
  close(): Promise<void>;
}

export function createServices(env: ServerEnv, overrides: Partial<Omit<Services, 'env' | 'close'>> = {}): Services {
  const clock = overrides.clock ?? systemClock;
  const db = overrides.db ?? createDb(env.DATABASE_SERVICE_URL);
  return {
    env,
    clock,
    db,
    store: overrides.store ?? createObjectStore(env, clock),
    log: overrides.log ?? pino({ level: env.HOLDFAST_LOG_LEVEL }),
    keys: overrides.keys ?? KeyRing.fromFile(env.HOLDFAST_ROOT_KEY_FILE),
    close: async () => await db.close(),
  };
}
