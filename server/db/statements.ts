/**
 * One statement, or a few that need nothing of one another, in a transaction of their own, under a role and with the settings that
 * row-level security reads, straight through the driver: for what is done hundreds of times a second, where Prisma's transactions
 * cost more than the work.
 */
import pg from 'pg';
import { isWriteConflict } from './row-codes.ts';

export type StatementRole = 'holdfast_app' | 'holdfast_dispatcher';

export interface Statement {
  /** Prepared once a connection under this name, so the text may never vary with its values. Left out: planned for these values. */
  readonly name?: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface StatementResult<Row> {
  readonly rows: readonly Row[];
  /** Rows that were changed. */
  readonly count: number;
}

const CONNECTIONS_MAX = 6;
const WAIT_MS = 10_000;
/** As in client.ts: Postgres ends one of two that wait for one another. */
const TRIES_MAX = 4;

export class Statements {
  readonly #pool: pg.Pool;

  constructor(serviceUrl: string) {
    this.#pool = new pg.Pool({
      connectionString: serviceUrl,
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: WAIT_MS,
      // Three messages a statement, and one wait.
      pipeline: true,
    });
    this.#pool.on('error', () => undefined); // an idle connection that ends is replaced when it is needed
    // One that ends between two statements of a transaction says so to nobody else: unheard, it would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async run<Row>(
    role: StatementRole,
    settings: Readonly<Record<string, string>>,
    statement: Statement,
  ): Promise<StatementResult<Row>> {
    const [result] = await this.runAll(role, settings, [statement]);
    return result as StatementResult<Row>;
  }

  /** Statements of which none needs another's answer, in one transaction and one wait. */
  async runAll(
    role: StatementRole,
    settings: Readonly<Record<string, string>>,
    statements: readonly Statement[],
  ): Promise<StatementResult<unknown>[]> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#once(role, settings, statements);
      } catch (error) {
        if (tries >= TRIES_MAX || !isWriteConflict(error)) throw error;
      }
    }
  }

  async #once(
    role: StatementRole,
    settings: Readonly<Record<string, string>>,
    statements: readonly Statement[],
  ): Promise<StatementResult<unknown>[]> {
    const client = await this.#pool.connect();
    let isBroken = false;
    try {
      // Role and settings end with the transaction, so the pool cannot leak them. Where they are refused, Postgres refuses what
      // follows, and where a statement fails, the COMMIT behind it takes everything back.
      const set = Object.entries(settings).map(
        ([key, value]) => `; SELECT set_config(${client.escapeLiteral(key)}, ${client.escapeLiteral(value)}, true)`,
      );
      const steps = await Promise.allSettled([
        client.query(`BEGIN; SET LOCAL ROLE ${role}${set.join('')}`),
        ...statements.map(
          async ({ values, ...statement }) =>
            await client.query<pg.QueryResultRow>({ ...statement, values: [...values] }),
        ),
        client.query('COMMIT'),
      ]);
      isBroken = steps.at(-1)!.status === 'rejected';
      const failed = steps.find((step) => step.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      return steps.slice(1, -1).map((step) => {
        const { rows, rowCount } = (step as PromiseFulfilledResult<pg.QueryResult>).value;
        return { rows, count: rowCount ?? 0 };
      });
    } finally {
      client.release(isBroken);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
