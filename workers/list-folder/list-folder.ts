import { HoldfastError } from '../../core/base/errors.ts';
import { prefixReadStore } from '../../core/storage/prefix-store.ts';
import { failListing } from '../../server/listings/fail-listing.ts';
import { beginListing, finishListing, type ListingWork } from '../../server/listings/finish-listing.ts';
import { finalMessage } from '../final-message.ts';
import type { JobContext, JobHandler } from '../job-context.ts';
import { listResult } from '../sandbox/messages.ts';
import { runInSandbox } from '../sandbox/run-in-sandbox.ts';

const WALL_CLOCK_MS = 60_000;
/** Shown at most; a page cannot use more, and the row stays a few MB. */
const ENTRIES_MAX = 10_000;

/** Reads one folder of a restore point in the sandbox, for a person who waits for it. */
export const listFolder: JobHandler<'list-folder'> = async (context, { listingId }) => {
  const { services, claim } = context;
  try {
    const work = await beginListing(services, claim, listingId);
    if (work !== undefined) await list(context, work);
  } catch (error) {
    // What will not be better at another attempt is told at once.
    const message = finalMessage(error);
    if (message === undefined) throw error;
    await failListing(services, claim.scope, listingId, message);
  }
};

async function list({ services, claim, signal, log }: JobContext, work: ListingWork): Promise<void> {
  const { path, password, snapshotId, treeId } = work;
  const end = await runInSandbox({
    task: { kind: 'list', path, password, snapshotId, treeId, entriesMax: ENTRIES_MAX },
    store: prefixReadStore(services.store, work.vaultPrefix),
    wallClockMs: WALL_CLOCK_MS,
    outputBytesMax: 0,
    signal,
    log,
  });
  if (end.kind === 'refused') throw new HoldfastError(end.code, end.message);
  if (end.kind === 'broken')
    throw new HoldfastError(
      end.reason === 'cancelled' ? 'cancelled' : 'internal',
      'The folder could not be read. Try again.',
    );
  const parsed = listResult.safeParse(end.value);
  if (!parsed.success) throw new HoldfastError('internal', 'The folder could not be read. Try again.');
  const { entries, total } = parsed.data;
  const remark =
    total > entries.length
      ? `This folder has ${total} entries; the first ${entries.length} are shown. Download it, or restore it to a machine, to get them all.`
      : null;
  const plain = entries.map(({ linkTarget, ...entry }) =>
    linkTarget === undefined ? entry : { ...entry, linkTarget },
  );
  await finishListing(services, claim, work.id, plain, remark);
}
