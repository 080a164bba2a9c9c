/**
 * What the daemon has accepted and not yet ended, kept on disk: the server hands out a command once, so that a crash or a
 * lost answer must not lose it, and nothing may be done twice.
 */
import type { Log } from '../../core/base/log.ts';
import type { PolicyDocument } from '../../core/domain/policy.ts';
import type { TryFacts } from '../../core/domain/run-decision.ts';
import type { AgentCommand, HeartbeatResponse } from '../../core/protocol/messages.ts';
import type { RepairReport } from '../../core/protocol/repair-report.ts';
import { type AgentState, type DueOccurrence, type LastRun, loadState, saveState } from '../state/agent-state.ts';

const ENDED_KEPT_MAX = 200;
const UNSENT_KEPT_MAX = 200;
const OPEN_MAX = 100;
const TRIES_KEPT_MAX = 20;

export interface CommandResult {
  readonly state: 'done' | 'failed';
  readonly message: string;
  readonly repair?: RepairReport;
  /** Of a restore: what it wrote. */
  readonly restored?: { readonly files: number; readonly bytes: number };
}

export class WorkList {
  readonly #folder: string;
  readonly #log: Log;
  #state: AgentState;

  private constructor(folder: string, log: Log, state: AgentState) {
    this.#folder = folder;
    this.#log = log;
    this.#state = state;
  }

  /** After a crash, a restore that had begun is reported as cut short; everything else is done from the start. */
  static async load(folder: string, log: Log): Promise<WorkList> {
    const list = new WorkList(folder, log, await loadState(folder));
    for (const { command, hasBegun } of list.#state.openCommands) {
      if (hasBegun && command.kind === 'restore') {
        await list.endCommand(command.id, {
          state: 'failed',
          message:
            'The agent was interrupted in the middle of the restore. Part of it is in the target folder; start it again into the same one, and what is missing is completed.',
        });
      }
    }
    return list;
  }

  get policy(): PolicyDocument | null {
    return this.#state.policy;
  }

  get policyVersion(): number {
    return this.#state.policyVersion;
  }

  get due(): DueOccurrence | null {
    return this.#state.openDue;
  }

  /** Tries of what is due that did not succeed, kept over a restart, so that it shortens no wait. */
  get dueTries(): readonly TryFacts[] {
    return this.#state.dueTries ?? [];
  }

  /** A restore test is nobody's wish of this minute: see nextDrill. */
  get nextCommand(): AgentCommand | undefined {
    return this.#state.openCommands.find(({ command }) => command.kind !== 'drill')?.command;
  }

  /** The restore test that waits until there is nothing else to do. */
  get nextDrill(): (AgentCommand & { kind: 'drill' }) | undefined {
    for (const { command } of this.#state.openCommands) if (command.kind === 'drill') return command;
    return undefined;
  }

  /** What the server need not hand out again: accepted and open, or ended and not told yet. */
  get heldCommandIds(): string[] {
    const { openCommands, unsentResults } = this.#state;
    return [...openCommands.map(({ command }) => command.id), ...unsentResults.map(({ id }) => id)];
  }

  get unsentResults(): AgentState['unsentResults'] {
    return this.#state.unsentResults;
  }

  /** Takes over what a heartbeat brought. */
  async accept(answer: HeartbeatResponse, nowMs: number): Promise<void> {
    const { policy, due, commands } = answer;
    const known = new Set([
      ...this.#state.endedCommandIds,
      ...this.#state.openCommands.map(({ command }) => command.id),
    ]);
    const fresh = commands.filter(({ id }) => !known.has(id)).map((command) => ({ command, hasBegun: false }));
    const isQuiet =
      policy === undefined && fresh.length === 0 && (due === null || due.occurrenceId === this.due?.occurrenceId);
    const next: AgentState = {
      ...this.#state,
      ...(policy === undefined ? {} : { policy: policy.document, policyVersion: policy.version }),
      // A newer occurrence replaces an older one: one backup now serves better than one for each that was missed.
      openDue: due ?? this.#state.openDue,
      dueTries: due === null || due.occurrenceId === this.due?.occurrenceId ? this.#state.dueTries : [],
      openCommands: [...this.#state.openCommands, ...fresh].slice(0, OPEN_MAX),
      lastHeartbeatMs: Math.round(nowMs),
    };
    // The time of a heartbeat alone is not worth a write each minute; status asks the server anyway.
    if (isQuiet) this.#state = next;
    else await this.#save(next);
  }

  async beginCommand(id: string): Promise<void> {
    await this.#save({
      ...this.#state,
      openCommands: this.#state.openCommands.map((open) =>
        open.command.id === id ? { ...open, hasBegun: true } : open,
      ),
    });
  }

  async endCommand(id: string, result: CommandResult): Promise<void> {
    const message = result.message.slice(0, 2000);
    await this.#save({
      ...this.#state,
      openCommands: this.#state.openCommands.filter(({ command }) => command.id !== id),
      unsentResults: [...this.#state.unsentResults, { id, result: { ...result, message } }].slice(-UNSENT_KEPT_MAX),
      endedCommandIds: [...this.#state.endedCommandIds, id].slice(-ENDED_KEPT_MAX),
    });
  }

  async confirmResult(id: string): Promise<void> {
    await this.#save({ ...this.#state, unsentResults: this.#state.unsentResults.filter((unsent) => unsent.id !== id) });
  }

  async endDue(occurrenceId: string): Promise<void> {
    if (this.due?.occurrenceId === occurrenceId) await this.#save({ ...this.#state, openDue: null, dueTries: [] });
  }

  async noteDueTry(occurrenceId: string, facts: TryFacts): Promise<void> {
    if (this.due?.occurrenceId !== occurrenceId) return;
    const { startedMs, failedMs } = facts;
    const tried = { startedMs: Math.round(startedMs), failedMs: failedMs === null ? null : Math.round(failedMs) };
    await this.#save({ ...this.#state, dueTries: [...this.dueTries, tried].slice(-TRIES_KEPT_MAX) });
  }

  async noteRun(run: LastRun): Promise<void> {
    const { runId, startedMs, finishedMs, result, snapshotId, message, unreadCount } = run;
    const isSealed = (result === 'ok' || result === 'partial') && snapshotId !== null;
    await this.#save({
      ...this.#state,
      lastRun: { runId, startedMs, finishedMs, result, snapshotId, message, unreadCount },
      ...(isSealed ? { lastSealed: { snapshotId, finishedMs } } : {}),
    });
  }

  /** Memory holds it in any case: a full disk must not stop the daemon. */
  async #save(state: AgentState): Promise<void> {
    this.#state = state;
    try {
      await saveState(this.#folder, state);
    } catch (error) {
      this.#log.warn({ err: error }, 'the agent’s state could not be saved; it goes on from memory');
    }
  }
}
