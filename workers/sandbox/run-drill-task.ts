import { findPath } from '../../core/repository/list-tree.ts';
import { restore } from '../../core/repository/restore/restore.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import { isHoldfastError } from '../../core/base/errors.ts';
import { findExtras, type FoundExtras } from './find-extras.ts';
import type { DrillResult, DrillTask, SandboxProgress } from './messages.ts';
import { openPoint } from './open-point.ts';

/** As many as the answer may name. */
const DAMAGED_MAX = 10_000;

/** In the child: restores the asked files into the scratch folder. Whether they are right is for the parent to see. */
export async function runDrillTask(
  store: ReadStore,
  task: DrillTask,
  progress: (now: SandboxProgress) => void,
): Promise<DrillResult> {
  const startedMs = performance.now();
  progress({ step: 'open', filesDone: 0, bytesDone: 0 });
  const { repo, snapshot, index, reader } = await openPoint(store, task);
  const openedMs = performance.now();
  progress({ step: 'locate', filesDone: 0, bytesDone: 0 });

  const include: string[] = [];
  const absent: string[] = [];
  const damaged: { path: string; reason: string }[] = [];
  for (const path of task.paths) {
    try {
      const found = await findPath(reader, snapshot.tree, path);
      // Links and pipes cannot be compared by contents; a witness never names one.
      if (found?.node.type === 'file') include.push(path);
      else absent.push(path);
    } catch (error) {
      if (!isHoldfastError(error, 'repository_damaged')) throw error;
      damaged.push({ path, reason: error.message });
    }
  }
  const none: FoundExtras = { also: [], images: [], include: [] };
  const extras = task.also === undefined ? none : await findExtras(reader, snapshot.tree, task.also);
  include.push(...extras.include.filter((path) => !include.includes(path)));
  const locatedMs = performance.now();
  progress({ step: 'transfer', filesDone: 0, bytesDone: 0 });

  let filesRestored = 0;
  let bytesRestored = 0;
  let firstByteMs: number | undefined;
  const isWhole = task.isWhole === true;
  if (isWhole || include.length > 0) {
    const result = await restore(repo, index, {
      snapshot,
      targetDir: task.targetDir,
      ...(isWhole ? {} : { include }),
      withMetadata: false,
      filesOnly: true,
      onProgress: ({ filesDone, bytesDone }) => {
        if (bytesDone > 0) firstByteMs ??= performance.now() - locatedMs;
        progress({ step: 'transfer', filesDone, bytesDone });
      },
    });
    ({ filesRestored, bytesRestored } = result);
    damaged.push(...result.damaged.slice(0, DAMAGED_MAX).map(({ path, reason }) => ({ path, reason })));
  }
  const transferredMs = performance.now() - locatedMs;
  firstByteMs ??= transferredMs;
  return {
    filesRestored,
    bytesRestored,
    absent,
    damaged,
    damagedIndexes: index.damaged.map(({ key }) => key),
    also: extras.also,
    images: [...extras.images],
    timings: {
      openMs: Math.round(openedMs - startedMs),
      locateMs: Math.round(locatedMs - openedMs),
      firstByteMs: Math.round(firstByteMs),
      transferMs: Math.round(transferredMs - firstByteMs),
    },
  };
}
