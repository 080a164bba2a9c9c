import type { Tx } from '../db/client.ts';

/** Of a statement of a seed: the service's own limit is for what somebody waits for. */
const STATEMENT_MS_MAX = 10 * 60_000;

/** For withScope: a transaction of few, long statements. */
export const LONG_TRANSACTION = { timeoutMs: 2 * STATEMENT_MS_MAX } as const;

/** In this transaction alone. */
export async function allowLongStatements(tx: Tx): Promise<void> {
  await tx.$queryRaw`SELECT set_config('statement_timeout', ${String(STATEMENT_MS_MAX)}, true)`;
}
