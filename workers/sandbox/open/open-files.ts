import type { DrillCheck } from '../../../core/domain/drill-checks.ts';
import type { OpenFilesTask, OpenResult } from '../messages.ts';
import type { FormatFinding } from './formats/finding.ts';
import { readFormat } from './formats/read-format.ts';
import type { PhaseClock } from './phase-clock.ts';

/** Reads each file by its format. What shows none that is known here is left out. */
export async function openFiles({ files }: OpenFilesTask, clock: PhaseClock): Promise<OpenResult> {
  clock.begin('checks');
  const checks: DrillCheck[] = [];
  for (const { name, path, isDump } of files) {
    const startedMs = performance.now();
    const finding = await readFormat(name, path);
    if (finding !== undefined) checks.push(toCheck(finding, path, isDump, Math.round(performance.now() - startedMs)));
  }
  return { checks, rows: null, newest: [], timings: clock.timings() };
}

/**
 * A dump that is broken, encrypted or empty is no backup of anything: what cannot be opened fails it, and what is encrypted
 * proves nothing. Another file came back as it was on the machine (the witness says so): if it is broken, it was so there.
 */
function toCheck(finding: FormatFinding, path: string, isDump: boolean, ms: number): DrillCheck {
  const { format, state, contents, reason } = finding;
  const isDocument = /document|workbook|presentation|message|PDF|office|pdf|ole/.test(format);
  const common = {
    kind: isDump ? 'restore' : isDocument ? 'document' : 'archive',
    name: `${path.slice(path.lastIndexOf('/') + 1)} opens as ${format}`.slice(0, 200),
    subject: path.slice(0, 4096),
    expected: null,
    actual: contents,
    ms,
  } as const;
  switch (state) {
    case 'sound':
      return { ...common, state: 'passed', output: '' };
    case 'encrypted':
    case 'unread':
      return { ...common, state: 'skipped', output: `What is in it was not looked at: ${reason}.` };
    case 'empty':
      return isDump
        ? {
            ...common,
            state: 'failed',
            output: `The output of the command, ${path}, is ${format} and empty: ${reason}.`,
          }
        : { ...common, state: 'warning', output: `It came back as it was on the machine, and it is empty: ${reason}.` };
    case 'broken':
      return isDump
        ? { ...common, state: 'failed', output: `The output of the command, ${path}, cannot be opened: ${reason}.` }
        : {
            ...common,
            state: 'warning',
            output: `It came back as it was on the machine, and it cannot be opened: ${reason}. It was broken there already.`,
          };
  }
}
