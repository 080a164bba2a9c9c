/** One backup run against the service, from its start to the server's seal. */
import { hostname as systemHostname } from 'node:os';
import { HoldfastError, isHoldfastError, publicMessage } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import type { PolicyDocument } from '../../core/domain/policy.ts';
import { signManifest } from '../../core/protocol/manifest.ts';
import type { RepairReport } from '../../core/protocol/repair-report.ts';
import type { RunProgress, RunStartRequest, RunStartResponse, RunView } from '../../core/protocol/messages.ts';
import { backup, type BackupResult } from '../../core/repository/backup/backup.ts';
import type { BlobIndex } from '../../core/repository/blob-index.ts';
import { IndexCache } from '../../core/repository/index-cache.ts';
import { indexWithoutPacks } from '../../core/repository/index-without-packs.ts';
import { damagedPackIds, type ResentPack, ResentPacks } from '../../core/repository/repair/resend-packs.ts';
import { openRepository, readSnapshot } from '../../core/repository/repository.ts';
import type { OpenRepository, SnapshotWithId, WritableRepository } from '../../core/repository/types.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import { GatewayStore } from '../gateway/gateway-store.ts';
import { ObjectCache } from '../gateway/object-cache.ts';
import type { SourceRun } from '../sources/source-run.ts';
import type { LastRun } from '../state/agent-state.ts';
import { readFileIfPresent } from '../state/atomic-file.ts';
import { rewriteCanary } from '../state/canary.ts';
import type { Identity } from '../state/identity.ts';
import { stateFiles } from '../state/state-files.ts';
import { acquireLock } from '../state/state-lock.ts';
import { PROGRAM_VERSION } from '../version.ts';
import { machineZone } from '../machine-zone.ts';
import { PendingPacks, takeOverPacks } from './pending-packs.ts';
import { ProgressReporter } from './progress-reporter.ts';
import { listedUnread, runManifest } from './run-manifest.ts';
import { readWithSources } from './run-sources.ts';
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
  /** What damaged objects of the vault held is stored again, also what this machine's sources no longer have. */
  readonly isRepair?: boolean;
  readonly signal?: AbortSignal;
  /** Called with the run's id when it has begun. */
  readonly onStarted?: (runId: string) => void;
  readonly onProgress?: (progress: RunProgress) => void;
  /** PATH of the programs that sources run. */
  readonly searchPath?: string | undefined;
  /** How long to wait for the server's checks after the commit. */
  readonly sealWaitMs?: number;
}

export interface RunReport extends LastRun {
  readonly selectedFiles: number;
  readonly selectedBytes: number;
  readonly storedBytes: number;
  readonly unread: BackupResult['unread'];
  readonly warnings: BackupResult['warnings'];
  readonly error?: unknown;
  /** Of a repair whose run has stored everything. */
  readonly repair?: RepairReport;
}

/** The drill draws its sample from the witness files: more than it needs, so that each drill can draw others. */
const WITNESS_PER_SAMPLE = 4;
const WITNESS_MIN = 20;
const WITNESS_MAX = 9_000;
const WARNINGS_LOGGED = 20;
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

interface Reading {
  readonly parent: SnapshotWithId | undefined;
  readonly captureMs: number;
  readonly sources: SourceRun | undefined;
  readonly reporter: ProgressReporter;
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
      await this.#store(started);
      return await this.#report(await this.#awaitSeal());
    } catch (thrown) {
      // A run that the server ended stops our work by a signal; its reason is the server's, not "cancelled".
      const error: unknown = this.#ended.signal.aborted ? this.#ended.signal.reason : thrown;
      await this.#tellFailure(error);
      return this.#failedReport(error);
    }
  }

  async #store({ parentSnapshotId, damagedKeys }: RunStartResponse): Promise<void> {
    const { statePath, identity, client, log } = this.#options;
    const pending = new PendingPacks(statePath, identity.vaultId, log);
    const cache = new ObjectCache(statePath, log);
    const store = new GatewayStore({
      client,
      cache,
      runId: this.#runId,
      signal: this.#signal,
      scratchFolder: stateFiles.scratch(statePath),
      onPack: (object, bytes) => pending.note(object, bytes),
    });
    const repo = await openRepository(store, identity.repositoryPassword);
    if (repo.config.id !== identity.repositoryId) {
      throw new HoldfastError(
        'repository_damaged',
        'The vault is not the one this machine was enrolled with. Nothing was stored.',
      );
    }
    const indexCache = new IndexCache(repo, stateFiles.blobIndex(statePath));
    const loaded = await indexCache.load();
    for (const damage of loaded.damaged)
      log.warn(damage, 'an index file of the vault is damaged; its data is sent again');
    const { index, resent } = await this.#withoutDamage(repo, loaded, damagedKeys);
    const takenOver = await takeOverPacks(repo, store, index, pending, log);
    const parent = await this.#loadParent(repo, parentSnapshotId);
    const captureMs = client.nowMs();
    const reporter = new ProgressReporter(client, this.#runId, (error) => this.#ended.abort(error));
    const { result, dumps, refusal } = await reporter.whileAlive(() =>
      readWithSources(this.#options, this.#signal, (sources) =>
        this.#backup(repo, index, { parent, captureMs, sources, reporter }),
      ),
    );
    // Also of a backup that is refused: its report says what could not be read.
    this.#result = result;
    for (const warning of result.warnings.slice(0, WARNINGS_LOGGED)) log.info(warning, 'not all of an entry is kept');
    if (result.warnings.length > WARNINGS_LOGGED)
      log.info({ count: result.warnings.length - WARNINGS_LOGGED }, 'not all is kept of further entries');
    if (refusal !== undefined) throw refusal;
    const manifest = runManifest(result, {
      runId: this.#runId,
      vaultId: identity.vaultId,
      repositoryId: repo.config.id,
      parentSnapshotId: parent?.id ?? null,
      captureMs: Math.round(captureMs),
      startedMs: Math.round(this.#startedMs),
      finishedMs: Math.round(client.nowMs()),
      takenOver: [...takenOver, ...(resent?.added ?? [])],
      dumps,
      revision: client.revision,
    });
    await client.commit(this.#runId, signManifest(manifest, identity.privateKey), { signal: this.#signal });
    if (resent !== undefined)
      this.#repair = {
        runId: this.#runId,
        packs: resent.outcome().slice(0, 10_000).map(asReported),
        replaced: [...resent.replaced],
      };
    this.#onSealed = async () => {
      await pending.clear();
      // Sealed, the vault has the index files of this run: those of packs that were taken over are among them.
      const brought = manifest.objects.filter(({ kind }) => kind === 'index').map(({ key }) => key);
      await indexCache.save(index, brought);
      await tidyCache(cache, index, manifest.objects);
    };
  }

  #onSealed: () => Promise<void> = async () => undefined;
  #repair: RepairReport | undefined;

  /** Nothing may build on what is damaged: a backup stores it again where it still has it, and a repair what is left of it too. */
  async #withoutDamage(
    repo: WritableRepository,
    index: BlobIndex,
    damagedKeys: readonly string[],
  ): Promise<{ readonly index: BlobIndex; readonly resent: ResentPacks | undefined }> {
    const { log, isRepair } = this.#options;
    if (isRepair === true) {
      const resent = await ResentPacks.store(repo, index, damagedKeys, this.#signal);
      return { index: resent.index, resent };
    }
    const packIds = damagedPackIds(damagedKeys);
    if (packIds.size === 0) return { index, resent: undefined };
    log.warn({ packs: packIds.size }, 'stored data is damaged; what this machine still has of it is sent again');
    return { index: await indexWithoutPacks(index, packIds), resent: undefined };
  }

  async #backup(
    repo: OpenRepository & { readonly store: GatewayStore },
    index: BlobIndex,
    { parent, captureMs, sources, reporter }: Reading,
  ): Promise<BackupResult> {
    const { statePath, policy, client, log, onProgress } = this.#options;
    const canaryPath = await this.#canary();
    return await backup(repo, {
      // The canary is a root of its own: roots win over excludes, and the rest of the state folder holds secrets.
      paths: [...policy.paths, ...(sources?.paths ?? []), ...(canaryPath === undefined ? [] : [canaryPath])],
      streams: sources?.streams ?? [],
      onStreamFailure: 'leave_out',
      excludes: policy.excludes,
      excludedFolders: [statePath],
      statePath: stateFiles.knownFolders(statePath),
      hostname: systemHostname(),
      ...(parent === undefined ? {} : { parent }),
      time: new Date(captureMs),
      zone: machineZone(),
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
      warnings: this.#result?.warnings ?? [],
      ...(this.#repair === undefined ? {} : { repair: this.#repair }),
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

/** The protocol's bound: a damaged pack whose pieces lie in more packs than that is told in part. */
function asReported({ now, ...pack }: ResentPack): RepairReport['packs'][number] {
  return { ...pack, now: now.slice(0, 1000) };
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
