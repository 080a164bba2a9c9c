/**
 * Level 2: packs are opened with the drill key, their own lists compared with the index, and each blob with its name. The child that
 * does so is confined; what it says of an object costs this vault alone something.
 */
import { HoldfastError } from '../../core/base/errors.ts';
import { lanesWorth } from '../../core/base/native/many-hashes.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import type { ObjectToVerify, VerificationWork } from '../../server/verification/begin-verification.ts';
import type { Finding } from '../../server/verification/quarantine-points.ts';
import type { JobContext } from '../job-context.ts';
import { decryptResult } from '../sandbox/messages.ts';
import { checkObject } from './check-object.ts';
import { NamedReads } from './named-reads.ts';
import { inSandbox, UnopenedError } from './sandbox-work.ts';
import { VerificationProgress } from './verification-progress.ts';

/** Of one child, which has limits of time and memory. */
const BYTES_OF_A_CHILD = 8 * 1024 ** 3;
const PACKS_OF_A_CHILD = 20_000;
const WALL_CLOCK_MS = 2 * 3600_000;

export async function decryptPacks(
  context: JobContext,
  work: VerificationWork,
  store: ReadStore,
): Promise<readonly Finding[]> {
  const { password } = work;
  if (password === undefined)
    throw new HoldfastError(
      'bad_request',
      'Only the customer holds the keys of this vault, so the service cannot look into it.',
    );
  const progress = new VerificationProgress(context, work);
  const findings = new Map<string, Finding>();
  await progress.recorded(async () => {
    for (const objects of slices(work.objects)) {
      for (const one of await decryptSlice(context, { store, objects, password, progress })) findings.set(one.key, one);
    }
  });
  return [...findings.values()];
}

async function decryptSlice(
  context: JobContext,
  slice: {
    readonly store: ReadStore;
    readonly objects: readonly ObjectToVerify[];
    readonly password: string;
    readonly progress: VerificationProgress;
  },
): Promise<Finding[]> {
  const { store, objects, password, progress } = slice;
  const byKey = new Map(objects.map((object) => [object.key, object]));
  const packs = objects.map(({ key, size }) => ({ id: key.slice(key.lastIndexOf('/') + 1), size }));
  const reads = new NamedReads(store, byKey);
  const onChecked = (keys: readonly string[]): void => {
    for (const key of keys) {
      const object = byKey.get(key);
      progress.read(object?.size ?? 0);
      // What is inside is right; whether it is what was stored is looked at again below.
      if (object !== undefined && reads.misnamed.has(key)) continue;
      if (object !== undefined) progress.done(key);
      else progress.alsoIntact(key);
    }
  };
  const value = await inSandbox(
    context,
    {
      store: reads.store,
      task: { kind: 'decrypt', password, packs, packsAtOnce: lanesWorth() },
      wallClockMs: WALL_CLOCK_MS,
    },
    { onChecked, sizeOf: (key) => byKey.get(key)?.size },
  ).catch((error: unknown) => {
    // Which of configuration and keys is at fault, a reading says; that no restore is possible, the next drill.
    throw error instanceof UnopenedError ? new HoldfastError('repository_damaged', error.message) : error;
  });
  const bad = new Set(decryptResult.parse(value).bad.map(({ key }) => key));
  const findings: Finding[] = [];
  for (const key of new Set([...bad, ...reads.misnamed])) {
    const object = byKey.get(key);
    // The child may have been told other bytes once, or lie: whether these are the stored ones is seen here.
    const state = await checkObject(store, object ?? (await metadataObject(store, key)), () => undefined);
    // Only the first reading was bad: its contents were looked at all the same.
    const isIntact = state === 'intact' && !bad.has(key);
    if (isIntact) progress.readTwice();
    if (object !== undefined) progress.done(isIntact ? key : undefined);
    if (!isIntact) findings.push({ key, problem: state === 'intact' ? 'contents' : state });
  }
  return findings;
}

/** Of an index or snapshot, which no list of what to read has: its size is what it has, for its name tells the rest. */
async function metadataObject(store: ReadStore, key: string): Promise<ObjectToVerify> {
  const size = (await store.head(key))?.size ?? 0;
  return { key, size, sha256: key.slice(key.lastIndexOf('/') + 1) };
}

function* slices(objects: readonly ObjectToVerify[]): Generator<readonly ObjectToVerify[]> {
  let slice: ObjectToVerify[] = [];
  let bytes = 0;
  for (const object of objects) {
    if (slice.length > 0 && (bytes + object.size > BYTES_OF_A_CHILD || slice.length === PACKS_OF_A_CHILD)) {
      yield slice;
      slice = [];
      bytes = 0;
    }
    slice.push(object);
    bytes += object.size;
  }
  if (slice.length > 0) yield slice;
}
