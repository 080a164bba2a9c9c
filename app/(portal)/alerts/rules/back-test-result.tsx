import type { ReactNode } from 'react';
import type { BackTestView } from '../../../../server/alerts/view.ts';
import { formatCountOf, formatDuration } from '../../../../core/domain/format.ts';
import { backTestSentence, lengthsSentence } from './rule-words.ts';
import classes from './rules.module.css';

/** What a rule would have done, before it does it. */
export function BackTestResult({ result }: { result: BackTestView | null }): ReactNode {
  if (result === null)
    return (
      <p className="hf-quiet" style={{ marginTop: 12 }}>
        A rule that is switched on, or changed while it is on, is tried on the past before it is kept: you see how often
        it would have called, for whom, and how much for nothing.
      </p>
    );
  const most = Math.max(1, ...result.perDay);
  return (
    <section className={classes.result} aria-label="On the last 30 days" aria-live="polite">
      <p>
        <b>{backTestSentence(result)}</b> {lengthsSentence(result)}
      </p>
      {result.alerts > 0 && (
        <>
          <div
            className={classes.days}
            role="img"
            aria-label={`Alerts by day, the oldest first: ${result.perDay.join(', ')}`}
          >
            {result.perDay.map((count, at) => (
              <span
                key={at}
                data-empty={count === 0 || undefined}
                style={{ height: `${(count / most) * 100}%` }}
                title={formatCountOf(count, 'alert')}
              />
            ))}
          </div>
          <ul className={classes.small}>
            {result.worst.map((one) => (
              <li key={one.id}>
                {one.customerName === null ? one.name : `${one.name}, ${one.customerName}`}:{' '}
                {formatCountOf(one.alerts, 'alert')}, together {formatDuration(one.totalMs)}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
