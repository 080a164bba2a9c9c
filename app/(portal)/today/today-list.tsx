import Link from 'next/link';
import type { ReactNode } from 'react';
import type { TodayAlert, TodayView } from '../../../server/alerts/view.ts';
import { AlertActions } from '../../_ui/alert-actions.client.tsx';
import { SEVERITY_WORDS, ticketWords } from '../../_ui/alert-words.ts';
import { formatCount, formatCountOf } from '../../../core/domain/format.ts';
import { Moment } from '../../_ui/moment.tsx';
import { StatusBadge } from '../../_ui/status-badge.tsx';
import { breachWords, reachWords } from './today-words.ts';
import classes from './today.module.css';

/** Of one cause; the counts beside them are of all. */
const ALERTS_SHOWN = 50;

/** One item a cause, the most urgent first; each opens to the alerts behind it. */
export function TodayList({ view }: { view: TodayView }): ReactNode {
  const { groups, nowMs, staff, mayApprove } = view;
  const nameOf = new Map(staff.map(({ id, name }) => [id, name]));
  return (
    <ul className={classes.list} aria-label="What needs somebody, by cause">
      {groups.map((group) => {
        const breach = breachWords(group.breachMs, nowMs);
        const clock = { nowMs, timeZone: group.alerts[0]!.timeZone };
        return (
          <li key={group.key} tabIndex={-1} data-today-item aria-label={group.title}>
            <div className={classes.item}>
              <div className={classes.head}>
                <h2 className={classes.title}>{group.title}</h2>
                <StatusBadge state={SEVERITY_WORDS[group.severity]} size="sm" />
              </div>
              <AlertActions
                target={{
                  name: group.title,
                  ids: group.alerts.map(({ id }) => id),
                  kinds: group.kinds,
                  ownerId: group.ownerId,
                  isAcknowledged: group.isAcknowledged,
                }}
                staff={staff}
                mayApprove={mayApprove}
              />
              <p className={classes.facts}>
                <span>{reachWords(group)}</span>
                {breach.text !== '' && (
                  <span>
                    <span className={classes.breach} data-tone={breach.tone}>
                      {breach.text}
                    </span>
                  </span>
                )}
                <span>
                  since <Moment atMs={group.openedMs} clock={clock} form="length" />
                </span>
                {group.ownerId !== null && <span>with {nameOf.get(group.ownerId) ?? 'somebody who left'}</span>}
                {group.ownerId === null && group.isAcknowledged && <span>acknowledged</span>}
                {ticketsOf(group.alerts) !== '' && <span>{ticketsOf(group.alerts)}</span>}
                {group.shared.map((one) => (
                  <span key={one}>{one}</span>
                ))}
              </p>
              <details className={classes.more}>
                <summary>
                  {group.alerts.length === 1 ? 'The alert' : `${formatCount(group.alerts.length)} alerts`}
                </summary>
                <ul>
                  {group.alerts.slice(0, ALERTS_SHOWN).map((alert) => (
                    <AlertLine key={alert.id} alert={alert} nowMs={nowMs} />
                  ))}
                </ul>
                {group.alerts.length > ALERTS_SHOWN && (
                  <p className={classes.small}>and {formatCount(group.alerts.length - ALERTS_SHOWN)} more</p>
                )}
              </details>
            </div>
          </li>
        );
      })}
    </ul>
  );
}

/** One is named; of several it is said how many. */
function ticketsOf(alerts: readonly TodayAlert[]): string {
  const all = [...new Set(alerts.flatMap(({ tickets }) => tickets.map(ticketWords)))];
  if (all.length === 0) return '';
  return all.length === 1 ? `ticket ${all[0]}` : formatCountOf(all.length, 'ticket');
}

function AlertLine({ alert, nowMs }: { alert: TodayAlert; nowMs: number }): ReactNode {
  return (
    <li>
      <Link href={`/alerts/${alert.id}`} prefetch={false} className={classes.name}>
        {alert.deviceName ?? alert.policyName ?? alert.customerName}
      </Link>{' '}
      <span className={classes.small}>
        {alert.customerName}, {alert.title.toLowerCase()}, for{' '}
        <Moment atMs={alert.openedMs} clock={{ nowMs, timeZone: alert.timeZone }} form="length" />
        {alert.reopenings > 0 && `, came back ${alert.reopenings === 1 ? 'once' : `${alert.reopenings} times`}`}
      </span>
      <p className={classes.small}>{alert.message}</p>
    </li>
  );
}
