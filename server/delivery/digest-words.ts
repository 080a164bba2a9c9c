export interface DigestFacts {
  readonly sequence: number;
  readonly nextMs: number;
  readonly timeZone: string;
  readonly devices: number;
  readonly open: number;
  /** The oldest of the open ones. */
  readonly alerts: readonly {
    readonly title: string;
    readonly subject: string;
    readonly customer: string;
    readonly sinceMs: number;
  }[];
  readonly backups: readonly { readonly outcome: string; readonly count: number }[];
  readonly drills: readonly { readonly state: string; readonly count: number }[];
}

function title(sequence: number, open: number): string {
  const state = open === 0 ? 'all calm' : open === 1 ? '1 alert is open' : `${open} alerts are open`;
  return `Daily digest ${sequence}: ${state}`;
}

function text(facts: DigestFacts): string {
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'short', timeZone: facts.timeZone });
  const day = new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: facts.timeZone,
  });
  const alerts = facts.alerts.map((one) => {
    const whose = one.customer === one.subject ? '' : ` (${one.customer})`;
    return `• ${one.title} – ${one.subject}${whose}, since ${day.format(one.sinceMs)}`;
  });
  const more = facts.open - facts.alerts.length;
  const open =
    facts.open === 0
      ? 'Nothing is open: no alert needs anybody.'
      : ['Open alerts, the oldest first:', ...alerts, ...(more > 0 ? [`and ${more} more.`] : [])].join('\n');
  const passed = countOf(facts.drills, 'passed');
  const failed = countOf(facts.drills, 'failed');
  const day24 = [
    `In the last 24 hours, over ${plural(facts.devices, 'device')}:`,
    `• Backups that were expected: ${backupWords(facts.backups)}`,
    `• Restore tests: ${passed + failed === 0 ? 'none' : `${passed} passed, ${failed} failed`}`,
  ].join('\n');
  const next = `This is digest ${facts.sequence}. Number ${facts.sequence + 1} comes on ${format.format(facts.nextMs)} (${facts.timeZone}). If it does not come, the service or its way to you is down: look at the portal.`;
  return [open, day24, next].join('\n\n');
}

function backupWords(backups: DigestFacts['backups']): string {
  const total = backups.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return 'none';
  const words = backups
    .filter(({ outcome, count }) => count > 0 && outcome !== '')
    .sort((a, b) => b.count - a.count)
    .map(({ outcome, count }) => `${count} ${outcome}`);
  return `${total} (${words.join(', ')})`;
}

function countOf(list: readonly { readonly state: string; readonly count: number }[], state: string): number {
  return list.find((one) => one.state === state)?.count ?? 0;
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

/** The day in words: its title and its text. */
export const DIGEST_WORDS = { title, text };
