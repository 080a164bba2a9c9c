import { findPath } from '../../core/repository/list-tree.ts';
import { restore } from '../../core/repository/restore/restore.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import { isHoldfastError } from '../../core/base/errors.ts';
import type { DrillResult, DrillTask, SandboxProgress } from './messages.ts';
import { openPoint } from './open-point.ts';

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
  const locatedMs = performance.now();
  progress({ step: 'transfer', filesDone: 0, bytesDone: 0 });

  let filesRestored = 0;
  let bytesRestored = 0;
  if (include.length > 0) {
    const result = await restore(repo, index, {
      snapshot,
      targetDir: task.targetDir,
      include,
      withMetadata: false,
      onProgress: ({ filesDone, bytesDone }) => progress({ step: 'transfer', filesDone, bytesDone }),
    });
    ({ filesRestored, bytesRestored } = result);
    damaged.push(...result.damaged.map(({ path, reason }) => ({ path, reason })));
  }
  return {
    filesRestored,
    bytesRestored,
    absent,
    damaged,
    damagedIndexes: index.damaged.map(({ key }) => key),
    timings: {
      openMs: Math.round(openedMs - startedMs),
      locateMs: Math.round(locatedMs - openedMs),
      transferMs: Math.round(performance.now() - locatedMs),
    },
  };
}
