/**
 * Level 0: the listing of a vault beside its ledger. No byte is read. What is missing, or has another size or checksum, is looked
 * at a second time by itself before it is called so; what the store has and no ledger knows is reported, and left where it is.
 */
import type { ListedObject, ReadStore } from '../../core/storage/port.ts';
import type { VerificationWork } from '../../server/verification/begin-verification.ts';
import { finishVerification } from '../../server/verification/finish-verification.ts';
import {
  type LedgerRow,
  ledgerRows,
  recordListing,
  recordListingProgress,
} from '../../server/verification/record-listing.ts';
import type { Finding } from '../../server/verification/quarantine-points.ts';
import { type JobContext, throwIfStopped } from '../job-context.ts';

const BATCH = 2000;
const UNKNOWN_KEPT = 100;

interface Seen {
  objects: number;
  bytes: number;
  unknownObjects: number;
  unknownBytes: number;
  readonly unknownKeys: string[];
}

export async function listVault(context: JobContext, work: VerificationWork, store: ReadStore): Promise<void> {
  const { services, claim, signal } = context;
  const findings: Finding[] = [];
  const seen: Seen = { objects: 0, bytes: 0, unknownObjects: 0, unknownBytes: 0, unknownKeys: [] };
  let behind = '';
  let batch: ListedObject[] = [];
  /** Compares what was listed up to `upTo` (undefined: to the end) with the rows of the same stretch of keys. */
  const compare = async (upTo: string | undefined): Promise<void> => {
    throwIfStopped(signal);
    // Read behind the listing: what was uploaded meanwhile had its row before.
    const rows = await ledgerRows(services, claim, work, { behind, upTo });
    const listed = new Map(batch.map((object) => [object.key, object]));
    for (const row of rows) {
      const object = listed.get(row.key);
      listed.delete(row.key);
      if (row.isExpected) findings.push(...(await findingOf(store, row, object)));
    }
    for (const { key, size } of listed.values()) {
      seen.unknownObjects += 1;
      seen.unknownBytes += size;
      if (seen.unknownKeys.length < UNKNOWN_KEPT) seen.unknownKeys.push(key);
    }
    seen.objects += batch.length;
    seen.bytes += batch.reduce((sum, { size }) => sum + size, 0);
    batch = [];
    behind = upTo ?? behind;
    await recordListingProgress(services, claim, work, { objects: seen.objects, bytes: seen.bytes });
  };
  for await (const object of store.list('')) {
    batch.push(object);
    if (batch.length === BATCH) await compare(object.key);
  }
  await compare(undefined);
  await finishVerification(services, claim, work, findings, (change) => recordListing(change, work, seen));
}

async function findingOf(store: ReadStore, row: LedgerRow, listed: ListedObject | undefined): Promise<Finding[]> {
  const isSame = (one: ListedObject): boolean =>
    one.size === row.size && (one.crc32c === undefined || one.crc32c === row.crc32c);
  if (listed !== undefined && isSame(listed)) return [];
  // A listing may lag behind: the object itself decides.
  const info = await store.head(row.key);
  if (info !== undefined && isSame(info)) return [];
  return [{ key: row.key, problem: info === undefined ? 'missing' : 'damaged' }];
}
