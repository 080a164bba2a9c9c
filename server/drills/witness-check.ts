import type { DrillCheck } from '../../core/domain/drill-checks.ts';
import type { DrillMismatch } from './finish-drill.ts';

/** The look that every level stands on: files that came back, beside the hashes that the machine took. `ms`: milliseconds. */
export function witnessCheck(
  planned: number,
  matched: number,
  wrong: readonly DrillMismatch[],
  ms: number,
): DrillCheck {
  const [first] = wrong;
  const count = wrong.length === 1 ? 'One file' : `${wrong.length} files`;
  return {
    kind: 'witness',
    name: 'What came back is what the machine saw',
    subject: first?.path.slice(0, 4096) ?? '',
    state: first === undefined ? 'passed' : 'failed',
    expected: `${planned} files`,
    actual: `${matched} files`,
    output:
      first === undefined
        ? ''
        : `${count} of ${planned} did not come back as the machine saw ${wrong.length === 1 ? 'it' : 'them'} (the first: ${first.path}).`,
    ms,
  };
}
