/**
 * The sources of a policy in one backup: what they add to it, the hooks around each, and what became of them. A source that
 * fails costs itself alone; it stands among the unread with the reason.
 */
import { HoldfastError, publicMessage } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import type { BackupSource } from '../../core/domain/backup-source.ts';
import { sourceFolder } from '../../core/domain/source-words.ts';
import type { OpenStream, StreamSource } from '../../core/repository/backup/stream-source.ts';
import type { UnreadItem } from '../../core/repository/types.ts';
import { commandStreams } from './command.ts';
import type { DumpFacts } from './dump-stream.ts';
import { runHook } from './hooks.ts';
import { mysqlStreams } from './mysql.ts';
import { postgresStreams } from './postgres.ts';
import type { SourceContext } from './source-context.ts';
import { sqliteStreams } from './sqlite.ts';

export type SourceTerms = Pick<SourceContext, 'searchPath' | 'copiesPath' | 'allowedListPath'> & {
  readonly log: Log;
  readonly signal: AbortSignal;
};

type Outcome = 'ok' | 'failed';

/** One source while the backup runs. `begun`: its hook before it was called, so that the one after it is owed. */
interface Part {
  readonly source: BackupSource;
  readonly root: string;
  streamsLeft: number;
  begun: Promise<void> | undefined;
  ended: Promise<void> | undefined;
  outcome: Outcome;
}

export class SourceRun {
  readonly #terms: SourceTerms;
  readonly #context: SourceContext;
  readonly #ended = new AbortController();
  readonly #parts: Part[] = [];
  readonly #failures: UnreadItem[] = [];
  readonly #dumps: DumpFacts[] = [];
  readonly #paths: string[] = [];
  readonly #streams: StreamSource[] = [];

  private constructor(terms: SourceTerms) {
    this.#terms = terms;
    this.#context = {
      ...terms,
      signal: AbortSignal.any([terms.signal, this.#ended.signal]),
      onWhole: (facts) => this.#dumps.push(facts),
    };
  }

  /**
   * Asks every server what it has, and runs the hooks before folders. A source that cannot be asked is a failure of its
   * own. Call `end` in any case. @throws HoldfastError cancelled.
   */
  static async begin(sources: readonly BackupSource[], terms: SourceTerms): Promise<SourceRun> {
    const run = new SourceRun(terms);
    try {
      for (const source of sources) await run.#plan(source);
    } catch (error) {
      await run.end();
      throw error;
    }
    return run;
  }

  /** Folders that sources add to those of the policy. */
  get paths(): readonly string[] {
    return this.#paths;
  }

  get streams(): readonly StreamSource[] {
    return this.#streams;
  }

  /** What did not come about, besides the streams that the backup itself left out. */
  get failures(): readonly UnreadItem[] {
    return this.#failures;
  }

  /** Witnesses of the dumps that were read to their end. */
  get dumps(): readonly DumpFacts[] {
    return this.#dumps;
  }

  /** Stops what still runs, and runs the hooks that are owed. Repeatable; does not throw. */
  async end(): Promise<void> {
    this.#ended.abort(new HoldfastError('cancelled', 'The backup has ended.'));
    for (const part of this.#parts) await this.#endPart(part);
  }

  async #plan(source: BackupSource): Promise<void> {
    this.#assertWanted();
    // For folders it names the hook that failed behind them.
    const root = sourceFolder(source) ?? `/files/${source.label}`;
    const part: Part = { source, root, streamsLeft: 0, begun: undefined, ended: undefined, outcome: 'ok' };
    this.#parts.push(part);
    try {
      if (source.kind === 'files') {
        await this.#begin(part);
        this.#paths.push(...source.paths);
        return;
      }
      const streams = await this.#streamsOf(source);
      part.streamsLeft = streams.length;
      this.#streams.push(...streams.map((stream) => this.#around(part, stream)));
    } catch (error) {
      this.#assertWanted();
      const paths = source.kind === 'files' ? source.paths : [root];
      for (const path of paths) this.#fail(part, path, error);
      await this.#endPart(part);
    }
  }

  #assertWanted(): void {
    if (!this.#terms.signal.aborted) return;
    throw new HoldfastError(
      'cancelled',
      'The backup was stopped before it was complete. Earlier backups are untouched.',
    );
  }

  #streamsOf(source: Exclude<BackupSource, { kind: 'files' }>): Promise<StreamSource[]> {
    switch (source.kind) {
      case 'postgres':
        return postgresStreams(source, this.#context);
      case 'mysql':
        return mysqlStreams(source, this.#context);
      case 'sqlite':
        return sqliteStreams(source, this.#context);
      case 'command':
        return commandStreams(source, this.#context);
    }
  }

  /** The stream with its source's hooks: before the first of them, and after the last. */
  #around(part: Part, stream: StreamSource): StreamSource {
    const open = async (signal: AbortSignal): Promise<OpenStream> => {
      part.streamsLeft -= 1;
      const isLast = part.streamsLeft === 0;
      try {
        await this.#begin(part);
        const { bytes, done } = await stream.open(signal);
        done.catch(() => {
          part.outcome = 'failed';
        });
        return { bytes: isLast ? this.#endingWith(part, bytes) : bytes, done };
      } catch (error) {
        part.outcome = 'failed';
        if (isLast) await this.#endPart(part);
        throw error;
      }
    };
    return { ...stream, open };
  }

  async *#endingWith(part: Part, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* bytes;
    } finally {
      await this.#endPart(part);
    }
  }

  /** Once for each source. A failed hook that is to abort fails every stream of its source. */
  #begin(part: Part): Promise<void> {
    part.begun ??= this.#hook(part, 'before', this.#context.signal);
    return part.begun;
  }

  /** Once for each source whose beginning was tried. */
  async #endPart(part: Part): Promise<void> {
    if (part.begun === undefined) return;
    part.ended ??= part.begun
      .catch(() => undefined)
      .then(() => this.#hook(part, 'after', undefined))
      .catch((error: unknown) => this.#fail(part, part.root, error));
    await part.ended;
  }

  async #hook(part: Part, when: 'before' | 'after', signal: AbortSignal | undefined): Promise<void> {
    const { source, outcome } = part;
    const hook = source[when];
    if (hook === undefined) return;
    const title = `The hook ${when} the source ${source.label}`;
    const { searchPath, allowedListPath, log } = this.#terms;
    const told = when === 'after' ? { HOLDFAST_OUTCOME: outcome } : {};
    const env = { HOLDFAST_SOURCE: `${source.kind}/${source.label}`, ...told };
    try {
      // The hook after a stopped backup still runs: what was frozen has to be thawed.
      await runHook({ hook, title, searchPath, allowedListPath, env, signal });
    } catch (error) {
      if (hook.onFailure === 'abort' || signal?.aborted === true) throw error;
      log.warn({ err: error, source: source.label, when }, 'a hook failed; the policy says to go on');
    }
  }

  #fail(part: Part, path: string, error: unknown): void {
    part.outcome = 'failed';
    this.#terms.log.warn({ err: error, source: part.source.label }, 'a source failed');
    this.#failures.push({ path, reason: 'read_error', bytes: 0, message: publicMessage(error) });
  }
}
