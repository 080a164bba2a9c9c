/** The one way to change anything: the change, its audit rows and its job intents are one transaction. */
import { HoldfastError } from '../../core/base/errors.ts';
import type { AuditAction, AuditSubject } from '../../core/domain/audit.ts';
import type { Scope } from '../access/scope.ts';
import { appendAudits, type AuditEntry } from '../audit/append-audit.ts';
import type { TransactionOptions, Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { JobKind, JobPayload } from '../jobs/catalog.ts';
import { enqueueIntent, type IntentOptions } from '../jobs/intents.ts';
import type { Services } from '../services.ts';

export interface Change {
  readonly tx: Tx;
  /** Written at the end of the transaction, in the order of the calls. */
  audit(action: AuditAction, subject: AuditSubject, data?: Readonly<Record<string, unknown>>): Promise<void>;
  /**
   * Done at the end of the transaction, before the audit rows, in the order of `lock`: what it names is held by everybody who
   * writes there until the commit, and what everybody locks last and in one order cannot deadlock.
   */
  atEnd(lock: string, work: () => Promise<void>): void;
  enqueue<K extends JobKind>(kind: K, payload: JobPayload<K>, options?: IntentOptions): Promise<string | undefined>;
}

/** @throws HoldfastError internal, and rolls back, when the work wrote no audit row: a silent change is a defect. */
export async function applyChange<T>(
  services: Pick<Services, 'db'>,
  scope: Scope,
  work: (change: Change) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  return await withScope(
    services,
    scope,
    async (tx) => {
      // Written last: the chain's head is locked until the commit, and one that everybody locks last cannot deadlock.
      const events: AuditEntry[] = [];
      const endings: { lock: string; work: () => Promise<void> }[] = [];
      const result = await work({
        tx,
        atEnd: (lock, ending) => {
          endings.push({ lock, work: ending });
        },
        audit: (action, subject, data = {}) => {
          events.push({ action, subject, data });
          return Promise.resolve();
        },
        enqueue: async (kind, payload, intentOptions) => await enqueueIntent(tx, scope, kind, payload, intentOptions),
      });
      if (events.length === 0) throw new HoldfastError('internal', 'A change without an audit entry was refused.');
      // A stable order: two of one lock keep theirs.
      for (const ending of endings.sort((a, b) => (a.lock < b.lock ? -1 : a.lock > b.lock ? 1 : 0)))
        await ending.work();
      await appendAudits(tx, scope, events);
      return result;
    },
    options,
  );
}
