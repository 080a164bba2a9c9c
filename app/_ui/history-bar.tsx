import type { ReactNode } from 'react';
import type { HistoryDay } from '../../server/fleet/view.ts';
import classes from './history-bar.module.css';
import { OCCURRENCE_WORDS } from './state-words.ts';

/**
 * 28 days in one glance, oldest first: one cell a day, drawn by the worst thing that was expected on it, with a mark below
 * for restore drills. Shape and colour both change; the tooltip has the counts and the whole bar has a summary in words.
 */
export function HistoryBar({ days }: { days: readonly HistoryDay[] }): ReactNode {
  return (
    <span className={classes.bar} role="img" aria-label={summary(days)}>
      {days.map((day) => (
        <span key={day.day} className={classes.day} title={dayWords(day)}>
          <span className={classes.cell} data-kind={day.worst ?? (day.extraPoints > 0 ? 'extra' : 'none')} />
          <span
            className={classes.drill}
            data-drill={day.drillsFailed > 0 ? 'failed' : day.drillsPassed > 0 ? 'passed' : 'none'}
          />
        </span>
      ))}
    </span>
  );
}

function dayWords(day: HistoryDay): string {
  const parts = Object.entries(day.counts)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${OCCURRENCE_WORDS[outcome as keyof typeof OCCURRENCE_WORDS].word}`);
  if (day.extraPoints > 0) parts.push(`${day.extraPoints} on request`);
  if (day.drillsPassed > 0) parts.push(`${day.drillsPassed} ${day.drillsPassed === 1 ? 'drill' : 'drills'} passed`);
  if (day.drillsFailed > 0) parts.push(`${day.drillsFailed} ${day.drillsFailed === 1 ? 'drill' : 'drills'} failed`);
  return `${day.label}: ${parts.length === 0 ? 'nothing was expected' : parts.join(', ')}`;
}

function summary(days: readonly HistoryDay[]): string {
  let kept = 0;
  let broken = 0;
  let drills = 0;
  for (const day of days) {
    kept += day.counts.ok + day.counts.late;
    broken += day.counts.missed + day.counts.failed + day.counts.stuck;
    drills += day.drillsPassed;
  }
  return `Last ${days.length} days: ${kept} backups made as expected, ${broken} failed or missed, ${drills} drills passed`;
}
