/** One backup run against the service, from its start to the server's seal. */
import { hostname as systemHostname } from 'node:os';
import { HoldfastError, isHoldfastError, publicMessage } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import type { PolicyDocument } from '../../core/domain/policy.ts';
import { signManifest } from '../../core/protocol/manifest.ts';
import type { RunProgress, RunStartRequest, RunView } from '../../core/protocol/messages.ts';
import { backup, type BackupResult } from '../../core/repository/backup/backup.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { openRepository, readSnapshot } from '../../core/repository/repository.ts';
import type { OpenRepository, SnapshotWithId } from '../../core/repository/types.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import { GatewayStore } from '../gateway/gateway-store.ts';
import { ObjectCache } from '../gateway/object-cache.ts';
import type { LastRun } from '../state/agent-state.ts';
import { readFileIfPresent } from '../state/atomic-file.ts';
import { rewriteCanary } from '../state/canary.ts';
import type { Identity } from '../state/identity.ts';
import { stateFiles } from '../state/state-files.ts';
import { acquireLock } from '../state/state-lock.ts';
import { PROGRAM_VERSION } from '../version.ts';
import { PendingPacks, takeOverPacks } from './pending-packs.ts';
import { ProgressReporter } from './progress-reporter.ts';
import { listedUnread, runManifest } from './run-manifest.ts';
import { tidyCache } from './tidy-cache.ts';

export interface RunBackupOptions {
  readonly statePath: string;
  readonly identity: Identity;
  readonly policy: PolicyDocument;
  readonly client: GatewayClient;
  readonly log: Log;
  readonly trigger: RunStartRequest['trigger'];
  readonly occurrenceId: string | null;
  readonly commandId: string | null;
  readonly signal?: AbortSignal;
  /** Called with the run's id when it has begun. */
  readonly onStarted?: (runId: string) => void;
  readonly onProgress?: (progress: RunProgress) => void;
  /** How long to wait for the server's checks after the commit. */
  readonly sealWaitMs?: number;
}

export interface RunReport extends LastRun {
  readonly selectedFiles: number;
  readonly selectedBytes: number;
  readonly storedBytes: number;
  readonly unread: BackupResult['unread'];
  readonly error?: unknown;
}

/** The drill draws its sample from the witness files: more than it needs, so that each drill can draw others. */
const WITNESS_PER_SAMPLE = 4;
const WITNESS_MIN = 20;
const WITNESS_MAX = 9_000;
const SEAL_WAIT_MS = 30 * 60_000;
/** What is left of a stopping process is spent on telling the server, not on waiting for it. */
const FAIL_REPORT_MS = 4_000;

/**
 * Runs to the end and reports; once the run has begun, failures are in the report and do not throw.
 * @throws HoldfastError conflict when a run is under way on this machine; storage_unavailable and refusals before the begin.
 */
export async function runBackup(options: RunBackupOptions): Promise<RunReport> {
  const lock = await acquireLock(options.statePath, 'run');
  try {
    return await new BackupRun(options).run();
  } finally {
    await lock.release();
  }
}

class BackupRun {
  readonly #options: RunBackupOptions;
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;
  readonly #startedMs: number;
  #runId = '';
  #result: BackupResult | undefined;

  constructor(options: RunBackupOptions) {
    this.#options = options;
    this.#startedMs = options.client.nowMs();
    this.#signal =
      options.signal === undefined ? this.#ended.signal : AbortSignal.any([options.signal, this.#ended.signal]);
  }

  async run(): Promise<RunReport> {
    const { client, identity, trigger, occurrenceId, commandId, signal } = this.#options;
    const request = { sourceId: identity.source.id, trigger, occurrenceId, commandId };
    const started = await client.startRun(request, { signal });
    this.#runId = started.runId;
    this.#options.onStarted?.(started.runId);
    try {
      await this.#store(started.parentSnapshotId);
      return await this.#report(await this.#awaitSeal());
    } catch (thrown) {
      // A run that the server ended stops our work by a signal; its reason is the server's, not "cancelled".
      const error: unknown = this.#ended.signal.aborted ? this.#ended.signal.reason : thrown;
      await this.#tellFailure(error);
      return this.#failedReport(error);
    }
  }

  async #store(parentSnapshotId: string | null): Promise<void> {
    const { statePath, identity, client, log } = this.#options;
    const pending = new PendingPacks(statePath, identity.vaultId, log);
    const cache = new ObjectCache(statePath, log);
    const store = new GatewayStore({
      client,
      cache,
      runId: this.#runId,
      signal: this.#signal,
      onPackStored: (object, bytes) => pending.note(object, bytes),
    });
    const repo = await openRepository(store, identity.repositoryPassword);
    if (repo.config.id !== identity.repositoryId) {
      throw new HoldfastError(
        'repository_damaged',
        'The vault is not the one this machine was enrolled with. Nothing was stored.',
      );
    }
    const index = await BlobIndex.load(repo);
    for (const damage of index.damaged)
      log.warn(damage, 'an index file of the vault is damaged; its data is sent again');
    const takenOver = await takeOverPacks(repo, store, index, pending, log);
    const parent = await this.#loadParent(repo, parentSnapshotId);
    const captureMs = client.nowMs();
    const result = await this.#backup(repo, index, parent, captureMs);
    this.#result = result;
    const manifest = runManifest(result, {
      runId: this.#runId,
      vaultId: identity.vaultId,
      repositoryId: repo.config.id,
      parentSnapshotId: parent?.id ?? null,
      captureMs: Math.round(captureMs),
      startedMs: Math.round(this.#startedMs),
      finishedMs: Math.round(client.nowMs()),
      takenOver,
    });
    await client.commit(this.#runId, signManifest(manifest, identity.privateKey), { signal: this.#signal });
    this.#onSealed = async () => {
      await pending.clear();
      await tidyCache(cache, index, manifest.objects);
    };
  }

  #onSealed: () => Promise<void> = async () => undefined;

  async #backup(
    repo: OpenRepository & { readonly store: GatewayStore },
    index: BlobIndex,
    parent: SnapshotWithId | undefined,
    captureMs: number,
  ): Promise<BackupResult> {
    const { statePath, policy, client, log, onProgress } = this.#options;
    const canaryPath = await this.#canary();
    const reporter = new ProgressReporter(client, this.#runId, (error) => this.#ended.abort(error));
    return await backup(repo, {
      // The canary is a root of its own: roots win over excludes, and the rest of the state folder holds secrets.
      paths: canaryPath === undefined ? policy.paths : [...policy.paths, canaryPath],
      excludes: policy.excludes,
      excludedFolders: [statePath],
      hostname: systemHostname(),
      ...(parent === undefined ? {} : { parent }),
      time: new Date(captureMs),
      index,
      clock: { nowMs: () => client.nowMs() },
      programVersion: PROGRAM_VERSION,
      witness: {
        ...(canaryPath === undefined ? {} : { canaryPath }),
        seed: this.#runId,
        sampleCount: Math.min(WITNESS_MAX, Math.max(WITNESS_MIN, policy.drill.sampleFiles * WITNESS_PER_SAMPLE)),
      },
      onProgress: (progress) => {
        reporter.report(progress);
        if (reporter.latest !== undefined) onProgress?.(reporter.latest);
      },
      signal: this.#signal,
      log,
    });
  }

  /** On a full disk the data matters more than the canary: the former one serves, or none. */
  async #canary(): Promise<string | undefined> {
    const { statePath, client, log } = this.#options;
    try {
      return await rewriteCanary(statePath, this.#runId, client.nowMs());
    } catch (error) {
      log.warn({ err: error }, 'the canary could not be written anew');
      const path = stateFiles.canary(statePath);
      return (await readFileIfPresent(path)) === undefined ? undefined : path;
    }
  }

  /** Without its parent a backup reads every file again: slower, not worse. */
  async #loadParent(repo: OpenRepository, id: string | null): Promise<SnapshotWithId | undefined> {
    if (id === null) return undefined;
    try {
      return await readSnapshot(repo, id);
    } catch (error) {
      if (isHoldfastError(error, 'cancelled')) throw error;
      this.#options.log.warn(
        { err: error, snapshotId: id },
        'the previous snapshot cannot be read; every file is read again',
      );
      return undefined;
    }
  }

  async #awaitSeal(): Promise<RunView> {
    const { client } = this.#options;
    const endMs = performance.now() + (this.#options.sealWaitMs ?? SEAL_WAIT_MS);
    for (let waitMs = 250; ; waitMs = Math.min(waitMs * 1.5, 5_000)) {
      const view = await client.viewRun(this.#runId, { signal: this.#signal });
      const isOpen = view.state === 'committed' || view.state === 'running';
      if (!isOpen || performance.now() >= endMs) return view;
      await client.waiting.sleep(waitMs, this.#signal);
    }
  }

  async #report(view: RunView): Promise<RunReport> {
    // Housekeeping on this machine: whatever fails in it, the backup is sealed.
    if (view.state === 'sealed')
      await this.#onSealed().catch((error: unknown) =>
        this.#options.log.warn({ err: error }, 'the cache was not tidied'),
      );
    const result = this.#result;
    const unreadCount = result?.unread.length ?? 0;
    const [word, message] = describe(view, unreadCount);
    return this.#reportAs(word, view.snapshotId ?? result?.snapshotId ?? null, message);
  }

  #reportAs(word: LastRun['result'], snapshotId: string | null, message: string): RunReport {
    const { client } = this.#options;
    return {
      runId: this.#runId,
      startedMs: Math.round(this.#startedMs),
      finishedMs: Math.round(client.nowMs()),
      result: word,
      snapshotId,
      message,
      unreadCount: this.#result?.unread.length ?? 0,
      selectedFiles: this.#result?.selectedFiles ?? 0,
      selectedBytes: this.#result?.selectedBytes ?? 0,
      storedBytes: this.#result?.storedBytes ?? 0,
      unread: this.#result?.unread ?? [],
    };
  }

  #failedReport(error: unknown): RunReport {
    const word = isHoldfastError(error, 'cancelled') ? 'cancelled' : 'failed';
    return { ...this.#reportAs(word, null, publicMessage(error)), error };
  }

  async #tellFailure(error: unknown): Promise<void> {
    const { client, log } = this.#options;
    const code = isHoldfastError(error) ? error.code : 'internal';
    if (code === 'cancelled') log.info({ runId: this.#runId }, 'the run was stopped');
    else log.error({ runId: this.#runId, err: error }, 'the run failed');
    try {
      const request = {
        code,
        message: publicMessage(error).slice(0, 2000),
        unread: listedUnread(this.#result?.unread ?? []),
      };
      await client.failRun(this.#runId, request, { retryForMs: FAIL_REPORT_MS, totalMs: FAIL_REPORT_MS });
    } catch (refused) {
      // The server learns it from the silence: the run has no progress any more.
      log.warn({ runId: this.#runId, err: refused }, 'the server could not be told that the run failed');
    }
  }
}

function describe(view: RunView, unreadCount: number): [LastRun['result'], string] {
  if (view.state === 'sealed' && view.outcome === 'partial') {
    const items = unreadCount === 1 ? 'One item' : `${unreadCount} items`;
    return ['partial', view.message ?? `${items} could not be read. Everything else is sealed.`];
  }
  if (view.state === 'sealed') return ['ok', 'The backup is sealed.'];
  if (view.state === 'committed' || view.state === 'running')
    return ['waiting', 'Everything is stored; the service is still checking it.'];
  return [
    'failed',
    view.message ?? 'The service did not accept the backup. Nothing that was sealed before is affected.',
  ];
}
