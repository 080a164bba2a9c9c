/** The only Prisma client. Its login role may do nothing by itself: see with-scope.ts, with-auth.ts, with-dispatcher.ts. */
import { type Prisma, PrismaClient } from './generated/client.ts';
import { PrismaPgOneAtATime } from './one-at-a-time.ts';
import { isWriteConflict } from './row-codes.ts';
import { type Statement, type StatementResult, type StatementRole, Statements } from './statements.ts';

export type Tx = Prisma.TransactionClient;

const CONNECTIONS_MAX = 12;
/** A transaction waits for a connection, and runs, at most so long. Nothing in one ever calls the network. */
const WAIT_MS = 10_000;
const RUN_MS = 30_000;
/** Postgres ends one of two transactions that wait for one another; the same work then passes. */
const TRIES_MAX = 4;

export interface TransactionOptions {
  readonly timeoutMs?: number;
}

export interface Db {
  /**
   * One transaction as `role`, with the settings that row-level security reads; both end with it. `work` is done again
   * from its beginning after a deadlock, so it changes nothing but the database.
   */
  transaction<T>(
    role: 'holdfast_app' | 'holdfast_auth' | 'holdfast_dispatcher',
    settings: Readonly<Record<string, string>>,
    work: (tx: Tx) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
  /** One statement in a transaction of its own; for what is done hundreds of times a second (statements.ts). */
  statement<Row>(
    role: StatementRole,
    settings: Readonly<Record<string, string>>,
    statement: Statement,
  ): Promise<StatementResult<Row>>;
  /** Several of which none needs another's answer, in one transaction and one wait; what a much-read page is made of. */
  statements(
    role: StatementRole,
    settings: Readonly<Record<string, string>>,
    statements: readonly Statement[],
  ): Promise<StatementResult<unknown>[]>;
  /** True when the database answers. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}

export function createDb(serviceUrl: string): Db {
  const client = new PrismaClient({
    adapter: new PrismaPgOneAtATime({ connectionString: serviceUrl, max: CONNECTIONS_MAX }),
  });
  const statements = new Statements(serviceUrl);
  return {
    statement: async <Row>(...given: Parameters<Db['statement']>) => await statements.run<Row>(...given),
    statements: async (...given) => await statements.runAll(...given),
    transaction: async (role, settings, work, options = {}) => {
      const once = async () =>
        await client.$transaction(
          async (tx) => {
            // One statement: role and settings are local to the transaction (the `true`), so the pool cannot leak them.
            const names = ['role', ...Object.keys(settings)];
            const values = [role, ...Object.values(settings)];
            await tx.$queryRaw`SELECT set_config(name, value, true) FROM unnest(${names}::text[], ${values}::text[]) WITH ORDINALITY AS s(name, value, n) ORDER BY n`;
            return await work(tx);
          },
          { maxWait: WAIT_MS, timeout: options.timeoutMs ?? RUN_MS },
        );
      for (let tries = 1; ; tries += 1) {
        try {
          return await once();
        } catch (error) {
          if (tries >= TRIES_MAX || !isWriteConflict(error)) throw error;
        }
      }
    },
    ping: async () => {
      try {
        await client.$queryRaw`SELECT 1`;
        return true;
      } catch {
        return false; // the caller only asks whether it answers
      }
    },
    close: async () => void (await Promise.all([client.$disconnect(), statements.close()])),
  };
}
