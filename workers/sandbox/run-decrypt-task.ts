import { BlobIndex } from '../../core/repository/blob-index.ts';
import { checkPackData, checkPackListing, type StoredPack } from '../../core/repository/check/check-pack.ts';
import { startCheckThreads } from '../../core/repository/check/check-threads.ts';
import { LIMITS } from '../../core/repository/format/limits.ts';
import { packKey } from '../../core/repository/object-names.ts';
import { packColumnsOf } from '../../core/repository/packs-of-index.ts';
import { listSnapshots, openRepository } from '../../core/repository/repository.ts';
import { type BytesPlace, copyPlaced } from '../../core/base/placed-bytes.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import type { ChildStore } from './child-store.ts';
import type { DecryptResult, DecryptTask } from './messages.ts';

/** Of one group; another is opened meanwhile. */
const GROUP_BYTES = 136 * 1024 * 1024;

interface WantedPack {
  readonly id: string;
  readonly size: number;
}

/** In the child: level 2 of some packs, and of all the vault's indexes and snapshots, which it has to read for it. */
export async function runDecryptTask(
  store: ChildStore,
  task: DecryptTask,
  checked: (keys: string[]) => void,
): Promise<DecryptResult> {
  const bad: { key: string; reason: string }[] = [];
  // The password takes half a second to become a key: threads start and the first packs come meanwhile.
  const opening = openRepository(store, task.password);
  const bytes = task.packs.reduce((sum, { size }) => sum + size, 0);
  const threads = startCheckThreads(
    opening.then(({ masterKey }) => masterKey),
    bytes,
  );
  const [early = []] = groups<WantedPack>(task.packs, task.packsAtOnce);
  const earlyReadings = new Map(early.map((pack) => [pack.id, readingOf(store, pack)]));
  try {
    const repo = await opening;
    const index = await BlobIndex.load(repo);
    for (const { key, message } of index.damaged) bad.push({ key, reason: message });
    const { snapshots, damaged } = await listSnapshots(repo);
    for (const { id, message } of damaged) bad.push({ key: `snapshots/${id}`, reason: message });
    const opened = [
      'config',
      `keys/${repo.keyId}`,
      ...index.indexKeys,
      ...snapshots.map(({ id }) => `snapshots/${id}`),
    ];
    for (let at = 0; at < opened.length; at += 10_000) checked(opened.slice(at, at + 10_000));

    const checkPack = async (
      { packId: id, size, columns }: StoredPack,
      reading: Reading | undefined,
    ): Promise<void> => {
      // It was read already, or is too large to be.
      const read: ReadStore = reading === undefined ? store : { ...store, get: async () => bytesOf(await reading) };
      const result = await reading;
      const place = result?.status === 'fulfilled' && !(result.value instanceof Uint8Array) ? result.value : undefined;
      const findings = [
        ...checkPackListing(id, size, columns),
        // Whether the bytes are those of the name, the parent sees.
        ...(await checkPackData(read, threads, {
          packId: id,
          size,
          columns,
          isNamed: true,
          ...(place === undefined ? {} : { place }),
        })),
      ].filter(({ severity }) => severity !== 'notice');
      if (place !== undefined) store.release(place);
      if (findings[0] === undefined) checked([packKey(id)]);
      else bad.push({ key: packKey(id), reason: findings[0].message });
    };
    const unlisted = new Map(task.packs.map(({ id, size }) => [id, size]));
    // Two groups are in memory: one is read while the one before is opened.
    let before: Promise<unknown> = Promise.resolve();
    let last: Promise<unknown> = Promise.resolve();
    for (const group of groups(wanted(index, unlisted, new Set(earlyReadings.keys())), task.packsAtOnce)) {
      await before;
      const readings = group.map((pack) => earlyReadings.get(pack.id) ?? readingOf(store, pack));
      for (const { id } of group) earlyReadings.delete(id);
      await Promise.all(readings.filter((reading) => reading !== undefined));
      before = last;
      last = Promise.all(group.map(async (pack, at) => await checkPack(pack, readings[at])));
      // Whoever waits for the next group must not find an error that nobody took.
      last.catch(() => undefined);
    }
    await Promise.all([before, last]);
    for (const id of unlisted.keys()) bad.push({ key: packKey(id), reason: 'No index lists what is in this pack.' });
  } finally {
    await threads.close();
  }
  return { bad };
}

type Reading = Promise<PromiseSettledResult<Uint8Array | BytesPlace>>;

/** Undefined for a pack that is too large to be read. */
function readingOf(store: ChildStore, { id, size }: WantedPack): Reading | undefined {
  return size > LIMITS.checkedPackBytes ? undefined : settled(store.locate(packKey(id)));
}

async function settled<Value>(reading: Promise<Value>): Promise<PromiseSettledResult<Value>> {
  return (await Promise.allSettled([reading]))[0];
}

/** @throws what the reading threw. */
function bytesOf(result: PromiseSettledResult<Uint8Array | BytesPlace>): Uint8Array {
  if (result.status === 'rejected') throw result.reason;
  return result.value instanceof Uint8Array ? result.value : copyPlaced(result.value);
}

/** Packs of the index that are to be checked, those of `first` before the others; they are taken out of `unlisted`. */
function* wanted(
  index: BlobIndex,
  unlisted: Map<string, number>,
  first: ReadonlySet<string>,
): Generator<StoredPack & WantedPack> {
  for (const { packId, columns } of packColumnsOf(index, first)) {
    const size = unlisted.get(packId);
    if (size === undefined) continue;
    unlisted.delete(packId);
    yield { id: packId, packId, size, columns };
  }
}

function* groups<Pack extends WantedPack>(packs: Iterable<Pack>, packsAtOnce: number): Generator<readonly Pack[]> {
  let group: Pack[] = [];
  let bytes = 0;
  for (const pack of packs) {
    if (group.length > 0 && (group.length === packsAtOnce || bytes + pack.size > GROUP_BYTES)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(pack);
    bytes += pack.size;
  }
  if (group.length > 0) yield group;
}
