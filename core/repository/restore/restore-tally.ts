/** What a restore could not do, and what it left alone, entry by entry. */
import type { OverwriteDecision } from '../../filesystem/overwrite-rule.ts';
import { refusedBy } from './refused-write.ts';
import type { RestoreProblem } from './restore-options.ts';

export class RestoreTally {
  /** Not restored, or not whole. */
  readonly damaged: RestoreProblem[] = [];
  readonly warnings: RestoreProblem[] = [];
  /** Kept, though it is something else. */
  readonly skipped: string[] = [];
  /** Files that the rule left alone because they are newer. */
  readonly newer: string[] = [];
  unchanged = 0;

  damage(path: string, reason: string): void {
    this.damaged.push({ path, reason });
  }

  warn(path: string, reason: string | undefined): void {
    if (reason !== undefined) this.warnings.push({ path, reason });
  }

  /** What the system refuses is damage of this entry; anything else is thrown. */
  attempt(path: string, action: () => void): void {
    const failure = refusedBy(action);
    if (failure !== undefined) this.damage(path, failure);
  }

  /** True when nothing is to be written. What is kept though it is something else is told. */
  isLeft(path: string, rule: OverwriteDecision): boolean {
    if (rule === 'keep') this.skipped.push(path);
    if (rule === 'newer') this.newer.push(path);
    if (rule === 'same' || rule === 'newer') this.unchanged += 1;
    return rule !== 'write' && rule !== 'replace';
  }
}
