/**
 * A restore test on the machine that alone holds the keys: the ordered files are restored into a folder of the agent's own,
 * read back, and removed. Hashes and times are signed and sent; what they should be, only the server knows.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, isHoldfastError, publicMessage } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import { type HashedFile, hashRestored } from '../../core/filesystem/hash-restored.ts';
import { type DrillAnswer, signDrillAnswer } from '../../core/protocol/drill-answer.ts';
import type { AgentCommand } from '../../core/protocol/messages.ts';
import { BlobReader } from '../../core/repository/blob-reader.ts';
import { findPath } from '../../core/repository/list-tree.ts';
import { restore } from '../../core/repository/restore/restore.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import type { Identity } from '../state/identity.ts';
import { stateFiles } from '../state/state-files.ts';
import { AGENT_VERSION } from '../version.ts';
import { openPoint } from './open-point.ts';

export interface RunDrillOptions {
  readonly statePath: string;
  readonly identity: Identity;
  readonly client: GatewayClient;
  readonly log: Log;
  readonly order: AgentCommand & { kind: 'drill' };
  readonly signal: AbortSignal;
}

type Found = Pick<DrillAnswer, 'timingsMs' | 'files' | 'damaged' | 'problem'>;

/** Undefined when it was stopped: nothing was told then. */
export async function runDrill(
  options: RunDrillOptions,
): Promise<{ state: 'done' | 'failed'; message: string } | undefined> {
  const { client, identity, log, order, signal, statePath } = options;
  const folder = join(stateFiles.drill(statePath), order.drillId);
  const startedMs = Math.round(client.nowMs());
  try {
    // What an interrupted one left is not taken for restored.
    await rm(stateFiles.drill(statePath), { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const found = await restoreSample(options, folder);
    const answer: DrillAnswer = {
      version: 1,
      drillId: order.drillId,
      snapshotId: order.snapshotId,
      startedMs,
      finishedMs: Math.round(client.nowMs()),
      ...found,
      software: { agent: AGENT_VERSION, node: process.version },
    };
    const { state, message } = await client.answerDrill(order.drillId, signDrillAnswer(answer, identity.privateKey), {
      signal,
    });
    return { state: state === 'passed' ? 'done' : 'failed', message: message ?? 'The restore test passed.' };
  } catch (error) {
    if (signal.aborted) return undefined;
    log.error({ err: error, drillId: order.drillId }, 'a restore test failed');
    return { state: 'failed', message: publicMessage(error) };
  } finally {
    await rm(stateFiles.drill(statePath), { recursive: true, force: true });
  }
}

/** Never throws but for a stop: what went wrong is the answer. */
async function restoreSample(options: RunDrillOptions, folder: string): Promise<Found> {
  const { order, signal } = options;
  const { paths, snapshotId, grantId } = order;
  const startedAt = performance.now();
  const timingsMs = { locate: 0, transfer: 0, checks: 0 };
  const damaged: string[] = [];
  try {
    const point = await openPoint({ ...options, snapshotId, grantId, include: paths });
    const reader = new BlobReader(point.repo, point.index);
    const include: string[] = [];
    for (const path of paths) {
      try {
        const entry = await findPath(reader, point.snapshot.tree, path);
        if (entry?.node.type === 'file') include.push(path);
      } catch (error) {
        if (!isHoldfastError(error, 'repository_damaged')) throw error;
        damaged.push(path);
      }
    }
    timingsMs.locate = Math.round(performance.now() - startedAt);
    const transferAt = performance.now();
    if (include.length > 0) {
      const { snapshot } = point;
      const result = await restore(point.repo, point.index, {
        snapshot,
        targetDir: folder,
        include,
        withMetadata: false,
        signal,
      });
      damaged.push(...result.damaged.map(({ path }) => path));
    }
    timingsMs.transfer = Math.round(performance.now() - transferAt);
    const checksAt = performance.now();
    const files: HashedFile[] = await hashRestored(
      folder,
      paths.map((path) => ({ path })),
      () => undefined,
    );
    timingsMs.checks = Math.round(performance.now() - checksAt);
    return { timingsMs, files, damaged: [...new Set(damaged)].slice(0, 1000), problem: null };
  } catch (error) {
    if (signal.aborted) throw error;
    const code = error instanceof HoldfastError ? error.code : 'internal';
    return { timingsMs, files: [], damaged: [], problem: { code, message: publicMessage(error).slice(0, 2000) } };
  }
}
