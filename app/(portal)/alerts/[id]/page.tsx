import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { KIND_WORDS } from '../../../../core/domain/alerts/kinds.ts';
import { viewAlert } from '../../../../server/alerts/list-alerts.ts';
import type { AlertDetail } from '../../../../server/alerts/view.ts';
import type { IdProps } from '../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../_server/session.ts';
import { AlertActions } from '../../../_ui/alert-actions.client.tsx';
import {
  ALERT_STATE_WORDS,
  resolutionWords,
  SEVERITY_WORDS,
  stepWords,
  ticketWords,
} from '../../../_ui/alert-words.ts';
import { formatDuration } from '../../../../core/domain/format.ts';
import { KeyValues } from '../../../_ui/key-values.tsx';
import { LiveRefresh } from '../../../_ui/live-refresh.client.tsx';
import { Moment, type PageClock, ShortTime } from '../../../_ui/moment.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import { TwoColumns } from '../../../_ui/two-columns.tsx';
import classes from './alert-page.module.css';

export const metadata: Metadata = { title: 'Alert' };

export default async function AlertPage({ params }: IdProps): Promise<ReactNode> {
  const { services, scope } = await pageScope();
  const view = await orNotFound(viewAlert(services, scope, (await params).id));
  const { alert, nowMs } = view;
  const clock = { nowMs, timeZone: alert.timeZone };
  return (
    <>
      <LiveRefresh isActive={false} />
      <PageHeader
        crumbs={[{ label: 'Alerts', href: '/alerts' }]}
        eyebrow={alert.deviceName ?? alert.policyName ?? alert.customerName}
        badge={<StatusBadge state={ALERT_STATE_WORDS[alert.state]} size="lg" />}
        sentence={alert.title}
        support={alert.message}
        {...(view.mayAct && alert.resolvedMs === null ? { actions: <Actions view={view} /> } : {})}
      />
      <TwoColumns
        main={
          <Panel title="History">
            <ol className={classes.steps}>
              {view.steps.map((step) => (
                <li key={step.id}>
                  <span className={classes.when}>
                    <ShortTime atMs={step.atMs} clock={clock} />
                  </span>
                  <span>
                    {stepWords(step)} {step.kind === 'resolved' && resolutionWords(alert)}
                    {step.kind === 'snoozed' && step.detail !== null && (
                      <>
                        Until <ShortTime atMs={Date.parse(step.detail)} clock={clock} />.
                      </>
                    )}
                    <span className={classes.small}> {step.who ?? 'by itself'}</span>
                    {step.note !== null && <q className={classes.note}>{step.note}</q>}
                  </span>
                </li>
              ))}
            </ol>
            {view.steps.length === 0 && <p className="hf-quiet">It is older than the history that is kept.</p>}
          </Panel>
        }
        side={
          <>
            <Panel title="Facts">
              <Facts view={view} clock={clock} />
            </Panel>
            {view.episode.length > 1 && <Episode view={view} clock={clock} />}
          </>
        }
      />
    </>
  );
}

function Actions({ view }: { view: AlertDetail }): ReactNode {
  const { alert, staff, mayApprove } = view;
  return (
    <AlertActions
      target={{
        name: alert.title,
        ids: [alert.id],
        kinds: [alert.kind],
        ownerId: alert.ownerId,
        isAcknowledged: alert.acknowledgedMs !== null,
      }}
      staff={staff}
      mayApprove={mayApprove}
    />
  );
}

function Facts({ view, clock }: { view: AlertDetail; clock: PageClock }): ReactNode {
  const { alert } = view;
  const items = [
    { key: 'Urgency', value: <StatusBadge state={SEVERITY_WORDS[alert.severity]} size="sm" /> },
    {
      key: 'Concerns',
      value:
        alert.deviceId === null ? (
          (alert.policyName ?? alert.customerName)
        ) : (
          <Link href={`/devices/${alert.deviceId}`} prefetch={false}>
            {alert.deviceName}
          </Link>
        ),
    },
    { key: 'Customer', value: alert.customerName },
    { key: 'Rule', value: alert.ruleName ?? KIND_WORDS[alert.kind].name },
    { key: 'Looks at', value: KIND_WORDS[alert.kind].meaning },
    { key: 'Began', value: <Moment atMs={alert.openedMs} clock={clock} /> },
    {
      key: alert.resolvedMs === null ? 'Stands for' : 'Stood for',
      value: formatDuration((alert.resolvedMs ?? view.nowMs) - alert.openedMs),
    },
    ...((alert.kind === 'growth' || alert.kind === 'ransomware') && alert.deviceId !== null
      ? [
          {
            key: 'What it is made of',
            value: (
              <Link href={`/devices/${alert.deviceId}?tab=changes`} prefetch={false}>
                What each day changed
              </Link>
            ),
          },
        ]
      : []),
    { key: 'Owner', value: alert.ownerName ?? 'nobody' },
    ...view.tickets.map((ticket, at) => ({
      key: at === 0 ? 'Ticket' : `Ticket ${at + 1}`,
      value: `${ticketWords(ticket)}, ${ticket.isClosed ? 'closed' : 'open'}`,
    })),
  ];
  return <KeyValues items={items} />;
}

/** The same trouble, which comes and goes. */
function Episode({ view, clock }: { view: AlertDetail; clock: PageClock }): ReactNode {
  return (
    <Panel title="It comes and goes" note="each stretch by itself, with its exact times">
      <ul className={classes.steps}>
        {view.episode.map(({ id, openedMs, resolvedMs }) => (
          <li key={id}>
            <span className={classes.when}>
              <ShortTime atMs={openedMs} clock={clock} />
            </span>
            {id === view.alert.id ? (
              <span>{lengthWords(openedMs, resolvedMs, clock.nowMs)}, this one</span>
            ) : (
              <Link href={`/alerts/${id}`} prefetch={false}>
                {lengthWords(openedMs, resolvedMs, clock.nowMs)}
              </Link>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function lengthWords(openedMs: number, resolvedMs: number | null, nowMs: number): string {
  return resolvedMs === null
    ? `stands for ${formatDuration(nowMs - openedMs)}`
    : `for ${formatDuration(resolvedMs - openedMs)}`;
}
