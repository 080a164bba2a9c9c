/**
 * The agent as a service: heartbeats, the policy, what is due and what is commanded, one piece of work at a time. No failure
 * of a run or of the network ends it; only a stop does, and losing its lock to another daemon.
 */
import { HoldfastError, isHoldfastError, publicMessage } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import { decideRun } from '../../core/domain/run-decision.ts';
import type { AgentCommand, HeartbeatResponse, RunProgress } from '../../core/protocol/messages.ts';
import { INVENTORY_REVISION, RESTORE_END_REVISION } from '../../core/protocol/version.ts';
import { NOTHING_YET } from '../backup/progress-reporter.ts';
import { type RunReport, runBackup } from '../backup/run-backup.ts';
import { backoffMs } from '../gateway/backoff.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import { retryAfterOf } from '../gateway/refusal-error.ts';
import { readInventory } from '../inventory/read-inventory.ts';
import { runDrill } from '../restore/run-drill.ts';
import { endOfRestore, runRestore } from '../restore/run-restore.ts';
import type { DueOccurrence } from '../state/agent-state.ts';
import type { Identity } from '../state/identity.ts';
import { nextSequence } from '../state/sequence.ts';
import { acquireLock, type StateLock } from '../state/state-lock.ts';
import { AGENT_VERSION } from '../version.ts';
import { type CommandResult, WorkList } from './work-list.ts';

export interface DaemonOptions {
  readonly statePath: string;
  readonly identity: Identity;
  readonly client: GatewayClient;
  readonly log: Log;
  /** PATH of the programs that sources run. */
  readonly searchPath?: string | undefined;
  /** Fires when the daemon is to stop; a run under way is stopped with it. */
  readonly signal: AbortSignal;
}

/** The server's interval is spread by this share, so that a fleet that started together drifts apart. */
const JITTER_SHARE = 0.2;
/** Refusals that only a person can end; asking more often helps nobody. */
const REFUSED_WAIT_MS = 5 * 60_000;
const REFUSALS = ['device_revoked', 'device_unknown', 'signature_invalid', 'protocol_unsupported'] as const;
const RESULT_MS = 10_000;
/** Disks fill and databases appear slowly; what could not be sent is tried again sooner. */
const INVENTORY_EVERY_MS = 6 * 60 * 60_000;
const INVENTORY_RETRY_MS = 30 * 60_000;

/** Resolves after a stop. @throws HoldfastError conflict when another daemon serves this state folder. */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const lock = await acquireLock(options.statePath, 'daemon');
  try {
    const work = await WorkList.load(options.statePath, options.log);
    await new Daemon(options, lock, work).loop();
  } finally {
    await lock.release();
  }
}

class Daemon {
  readonly #options: DaemonOptions;
  readonly #lock: StateLock;
  readonly #work: WorkList;
  #running: { readonly runId: string; progress: RunProgress } | null = null;
  #job: Promise<void> | undefined;
  /** Ends the wait between heartbeats early. */
  #wake: () => void = () => undefined;
  #inventoryDueMs = 0;
  /** Work ended while no wait was under way: the next one is skipped. */
  #isWoken = false;
  #unreachable = 0;
  /** Stops the scheduled run under way when the end of its window comes. */
  #windowEnd: { readonly stopAtMs: number; readonly abort: AbortController } | undefined;

  /** Stops the restore test under way: it makes room for whatever else there is to do. */
  #drilling: AbortController | undefined;

  constructor(options: DaemonOptions, lock: StateLock, work: WorkList) {
    this.#options = options;
    this.#lock = lock;
    this.#work = work;
  }

  async loop(): Promise<void> {
    const { signal, log, identity, client } = this.#options;
    log.info({ device: identity.deviceName, server: identity.serverUrl }, 'agent ready');
    client.speed.obey(this.#work.policy?.limits);
    while (!signal.aborted) {
      if (!(await this.#lock.isOwned())) {
        throw new HoldfastError('conflict', 'Another agent took over this state folder. This one stops.');
      }
      const waitMs = await this.#beat();
      this.#endAtWindow();
      this.#makeRoom();
      this.#beginWork();
      await this.#pause(waitMs);
    }
    await this.#job;
    log.info({}, 'agent stopped');
  }

  /** One heartbeat and what follows from it at once. Returns how long to wait until the next. */
  async #beat(): Promise<number> {
    const { client, log, signal } = this.#options;
    try {
      await this.#sendResults();
      const answer = await this.#heartbeat();
      this.#unreachable = 0;
      await this.#work.accept(answer, client.nowMs());
      if (answer.policy !== undefined) client.speed.obey(answer.policy.document.limits);
      await this.#tellInventory();
      const spread = 1 + (client.waiting.random() * 2 - 1) * JITTER_SHARE;
      return Math.max(1, answer.nextInSeconds) * 1000 * spread;
    } catch (error) {
      if (signal.aborted) return 0;
      if (REFUSALS.some((code) => isHoldfastError(error, code))) {
        log.error({ err: error }, publicMessage(error));
        return REFUSED_WAIT_MS;
      }
      const attempt = this.#unreachable++;
      const waitMs = backoffMs(
        attempt,
        isHoldfastError(error) ? retryAfterOf(error) : undefined,
        client.waiting.random,
      );
      log.warn({ err: error, waitMs }, 'heartbeat failed; it is tried again');
      // Never quicker than once a second: a fleet must not storm a gateway that is coming back.
      return Math.max(1_000, waitMs);
    }
  }

  async #heartbeat(): Promise<HeartbeatResponse> {
    const { client, statePath, signal } = this.#options;
    const sequence = await nextSequence(statePath, client.nowMs());
    const { policyVersion, heldCommandIds: commandIds } = this.#work;
    const running = this.#running === null ? null : { ...this.#running };
    return await client.heartbeat(
      { sequence, agentVersion: AGENT_VERSION, policyVersion, running, commandIds },
      { signal },
    );
  }

  /** Never the reason of a failed heartbeat: it is of no use to a backup. */
  async #tellInventory(): Promise<void> {
    const { client, log, signal } = this.#options;
    if (client.revision < INVENTORY_REVISION || client.nowMs() < this.#inventoryDueMs) return;
    this.#inventoryDueMs = client.nowMs() + INVENTORY_RETRY_MS;
    try {
      await client.sendInventory(await readInventory(), { retryForMs: 0, totalMs: RESULT_MS, signal });
      this.#inventoryDueMs = client.nowMs() + INVENTORY_EVERY_MS;
    } catch (error) {
      if (!signal.aborted)
        log.warn({ err: error }, 'what this machine holds could not be told; it is tried again later');
    }
  }

  async #sendResults(): Promise<void> {
    const { client, log, signal } = this.#options;
    for (const { id, result } of this.#work.unsentResults) {
      try {
        await client.finishCommand(id, this.#sendable(result), { retryForMs: 0, totalMs: RESULT_MS, signal });
      } catch (error) {
        // The server has no such command (any more): nothing to tell. Everything else is tried with the next heartbeat.
        if (!isHoldfastError(error, 'not_found')) throw error;
        log.warn({ commandId: id }, 'the server does not know this command any more');
      }
      await this.#work.confirmResult(id);
    }
  }

  /** Without what an older gateway does not know, and would refuse the whole answer for. */
  #sendable({ restored, ...result }: Parameters<GatewayClient['finishCommand']>[1]): typeof result {
    const isKnown = restored !== undefined && this.#options.client.revision >= RESTORE_END_REVISION;
    return isKnown ? Object.assign(result, { restored }) : result;
  }

  /** Starts the next piece of work when none is under way. Commands first: a person waits for them. */
  #beginWork(): void {
    if (this.#job !== undefined || this.#options.signal.aborted) return;
    const command = this.#work.nextCommand;
    const task = (command !== undefined ? () => this.#obey(command) : this.#scheduledTask()) ?? this.#drillTask();
    if (task === undefined) return;
    this.#job = task()
      .catch((error: unknown) => this.#options.log.error({ err: error }, 'a piece of work failed'))
      .finally(() => {
        this.#job = undefined;
        this.#running = null;
        this.#windowEnd = undefined;
        this.#drilling = undefined;
        // The server hears the end at once, and may have more to do.
        this.#isWoken = true;
        this.#wake();
      });
  }

  /** A restore test is made when nothing else is to be done, and waits for the next pause when a backup becomes due. */
  #drillTask(): (() => Promise<void>) | undefined {
    const command = this.#work.nextDrill;
    if (command === undefined) return undefined;
    this.#drilling = new AbortController();
    const stop = AbortSignal.any([this.#options.signal, this.#drilling.signal]);
    return async () => {
      const { log, statePath, identity, client } = this.#options;
      log.info({ commandId: command.id, kind: command.kind }, 'command begins');
      const result = await runDrill({ statePath, identity, client, log, order: command, signal: stop });
      // Stopped by us: it is made from its beginning, later.
      if (result === undefined) return;
      await this.#work.endCommand(command.id, result);
      log.info({ commandId: command.id, ...result }, 'command ended');
    };
  }

  #makeRoom(): void {
    if (this.#drilling === undefined || this.#drilling.signal.aborted) return;
    if (this.#work.nextCommand === undefined && this.#scheduledTask() === undefined) return;
    this.#options.log.info({}, 'the restore test makes room and is made later');
    this.#drilling.abort();
  }

  /** What is to be done about the occurrence that is due, if anything is now. */
  #scheduledTask(): (() => Promise<void>) | undefined {
    const { client, identity, log } = this.#options;
    const { due, policy, dueTries } = this.#work;
    if (due === null || policy === null) return undefined;
    const { deviceId } = identity;
    const nowMs = client.nowMs();
    const decision = decideRun({ policy, deviceId, dueMs: due.dueMs, tries: dueTries, isRunning: false, nowMs });
    if (decision.kind === 'wait') return undefined;
    if (decision.kind === 'start') return () => this.#backUp(due, decision.stopAtMs);
    log.warn(
      { occurrenceId: due.occurrenceId, why: decision.why },
      'the scheduled backup is given up until the next one',
    );
    return () => this.#work.endDue(due.occurrenceId);
  }

  async #backUp(due: DueOccurrence, stopAtMs: number | null): Promise<void> {
    const { client, log, signal } = this.#options;
    const { occurrenceId, dueMs } = due;
    const startedMs = client.nowMs();
    const abort = new AbortController();
    this.#windowEnd = stopAtMs === null ? undefined : { stopAtMs, abort };
    const report = await this.#run('schedule', occurrenceId, null, {
      signal: AbortSignal.any([signal, abort.signal]),
    });
    // An occurrence that the server does not know (any more) will not be known later either.
    const isOver = isSound(report.result) || isHoldfastError(report.error, 'not_found');
    if (isOver) return await this.#work.endDue(occurrenceId);
    // Our own stop is no failure of the backup: the next start goes on at once.
    if (signal.aborted) return;
    const failedMs = client.nowMs();
    await this.#work.noteDueTry(occurrenceId, { startedMs, failedMs });
    log.warn({ occurrenceId, dueMs, tries: this.#work.dueTries.length }, 'the scheduled backup did not succeed');
  }

  /** Asked at each heartbeat, not by a timer: a timer stands still while the machine sleeps. */
  #endAtWindow(): void {
    const { client, log } = this.#options;
    if (this.#windowEnd === undefined || client.nowMs() < this.#windowEnd.stopAtMs) return;
    log.warn(
      { runId: this.#running?.runId },
      'the backup window is over; the run is stopped and goes on with the next',
    );
    this.#windowEnd.abort.abort();
    this.#windowEnd = undefined;
  }

  async #obey(command: AgentCommand): Promise<void> {
    const { log, signal } = this.#options;
    log.info({ commandId: command.id, kind: command.kind }, 'command begins');
    await this.#work.beginCommand(command.id);
    const result = command.kind === 'restore' ? await this.#restore(command) : await this.#backUpFor(command);
    // Stopped by us: a backup is begun again by the next start, so its command stays open.
    if (signal.aborted && command.kind !== 'restore') return;
    await this.#work.endCommand(command.id, result);
    log.info({ commandId: command.id, ...result }, 'command ended');
  }

  async #backUpFor({ id: commandId, kind }: AgentCommand): Promise<CommandResult> {
    // What is due is served by the same run: two backups in a row would tell nothing more.
    const due = this.#work.due;
    const isRepair = kind === 'repair';
    const report = await this.#run('command', due?.occurrenceId ?? null, commandId, { isRepair });
    const state = isSound(report.result) ? 'done' : 'failed';
    if (state === 'done' && due !== null) await this.#work.endDue(due.occurrenceId);
    return { state, message: report.message, ...(report.repair === undefined ? {} : { repair: report.repair }) };
  }

  async #run(
    trigger: 'schedule' | 'command',
    occurrenceId: string | null,
    commandId: string | null,
    { signal = this.#options.signal, isRepair = false }: { signal?: AbortSignal; isRepair?: boolean } = {},
  ): Promise<Pick<RunReport, 'result' | 'message' | 'error' | 'repair'>> {
    const { statePath, identity, client, log } = this.#options;
    const { policy } = this.#work;
    if (policy === null) return { result: 'failed', message: 'This machine has no policy yet. Try again in a minute.' };
    try {
      const report = await runBackup({
        statePath,
        identity,
        policy,
        client,
        log,
        trigger,
        occurrenceId,
        commandId,
        isRepair,
        signal,
        searchPath: this.#options.searchPath,
        onStarted: (runId) => {
          this.#running = { runId, progress: NOTHING_YET };
        },
        onProgress: (progress) => {
          if (this.#running !== null) this.#running.progress = progress;
        },
      });
      await this.#work.noteRun(report);
      const { unread, error: _, repair: __, ...figures } = report;
      log.info({ ...figures, unread: unread.length }, 'run ended');
      return report;
    } catch (error) {
      log.error({ err: error }, 'a run could not begin');
      return { result: signal.aborted ? 'cancelled' : 'failed', message: publicMessage(error), error };
    }
  }

  async #restore(command: AgentCommand & { kind: 'restore' }): Promise<CommandResult> {
    const { statePath, identity, client, log, signal } = this.#options;
    const { snapshotId, targetPath, paths, grantId } = command;
    try {
      const terms = { statePath, identity, client, log, signal, snapshotId, targetPath, include: paths, grantId };
      const result = await runRestore(terms);
      const { state, message, restored } = endOfRestore(result, targetPath);
      return { state: state === 'delivered' ? 'done' : 'failed', message, ...(restored && { restored }) };
    } catch (error) {
      log.error({ err: error, commandId: command.id }, 'a restore failed');
      return { state: 'failed', message: publicMessage(error) };
    }
  }

  async #pause(ms: number): Promise<void> {
    const { client, signal } = this.#options;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      if (!this.#isWoken && !signal.aborted) await client.waiting.sleep(ms, AbortSignal.any([signal, woken.signal]));
    } catch (error) {
      if (!isHoldfastError(error, 'cancelled')) throw error;
    } finally {
      this.#wake = () => undefined;
      this.#isWoken = false;
    }
  }
}

function isSound(result: RunReport['result']): boolean {
  return result === 'ok' || result === 'partial' || result === 'waiting';
}
