import type { RunLine } from '../../server/runs/queries.ts';
import { formatBytes, formatCount, formatCountOf } from '../../core/domain/format.ts';

export interface ProgressWords {
  readonly label: string;
  /** 0 to 1; null while the total is not known. */
  readonly share: number | null;
  readonly words: string;
}

type Running = Pick<RunLine, 'state' | 'progress' | 'startedMs' | 'lastProgressMs'>;

/** What a run is doing now, in words; undefined once it has ended. */
export function runProgress(run: Running): ProgressWords | undefined {
  if (run.state === 'committed') {
    const seal = run.progress?.kind === 'seal' ? run.progress : null;
    return {
      label: 'The server checks every stored object',
      share: seal === null || seal.total === 0 ? null : seal.done / seal.total,
      words: seal === null ? 'about to begin' : `${formatCount(seal.done)} of ${formatCountOf(seal.total, 'object')}`,
    };
  }
  if (run.state !== 'running') return undefined;
  const { progress } = run;
  if (progress === null || progress.kind === 'seal') return { label: 'Starting', share: null, words: '' };
  if (progress.phase === 'scan') {
    return {
      label: 'Looking through the folders and reading',
      share: null,
      words: `${formatCountOf(progress.filesTotal, 'file')} found so far, ${formatBytes(progress.bytesDone)} of ${formatBytes(progress.bytesTotal)} read`,
    };
  }
  if (progress.phase === 'read') {
    return {
      label: 'Reading and uploading',
      share: progress.bytesTotal === 0 ? null : progress.bytesDone / progress.bytesTotal,
      words: `${formatCount(progress.filesDone)} of ${formatCountOf(progress.filesTotal, 'file')}, ${formatBytes(progress.bytesDone)} of ${formatBytes(progress.bytesTotal)}${rateWords(run)}`,
    };
  }
  return {
    label: progress.phase === 'index' ? 'Storing the index and the snapshot' : 'Handing over to the server',
    share: null,
    words: `${formatBytes(progress.bytesAdded)} new`,
  };
}

/** The mean since the start: a rate between two reports would jump with each pack. */
function rateWords({ progress, startedMs, lastProgressMs }: Running): string {
  const seconds = (lastProgressMs - startedMs) / 1000;
  if (progress?.kind !== 'agent' || seconds < 1) return '';
  return `, ${formatBytes(Math.round(progress.bytesDone / seconds))} a second`;
}
