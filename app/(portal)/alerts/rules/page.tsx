import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { KIND_WORDS } from '../../../../core/domain/alerts/kinds.ts';
import { OWN_RULE_KINDS, type Rule } from '../../../../core/domain/alerts/rules.ts';
import { viewRules } from '../../../../server/alerts/view-rules.ts';
import type { AlertListState, RulesView, RuleView } from '../../../../server/alerts/view.ts';
import { staffScope } from '../../../_server/session.ts';
import { SEVERITY_WORDS } from '../../../_ui/alert-words.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { formatBytes, formatCount, formatDay, formatDuration } from '../../../../core/domain/format.ts';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { KeyValues } from '../../../_ui/key-values.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import { NoiseTiles } from './noise-tiles.tsx';
import { QuotaDialog } from './quota-dialog.client.tsx';
import { NewRule, RuleDialog } from './rule-dialog.client.tsx';
import { UrgencyPanel } from './urgency-panel.tsx';
import { limitsWords, mendedWords, noiseWords, rulesSentence } from './rule-words.ts';
import classes from './rules.module.css';

export const metadata: Metadata = { title: 'Rules' };

/** What is looked for, and how much each rule calls for nothing. */
export default async function RulesPage(): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const view = await viewRules(services, scope);
  const choices = { customers: view.customers, policies: view.policies };
  const columns: Column<RuleView>[] = [
    {
      key: 'name',
      header: 'Rule',
      cell: ({ rule, isChanged, changedBy }) => (
        <span className={classes.rule}>
          <span className={classes.name}>{rule.name}</span>
          <span className={classes.small}>
            {rule.id === null ? (isChanged ? 'built in, changed' : 'built in') : KIND_WORDS[rule.kind].name}
            {limitsWords(rule) === '' ? '' : ` · ${limitsWords(rule)}`}
          </span>
          {changedBy !== null && (
            <span className={classes.small}>
              by {changedBy.who}, {formatDay(changedBy.atMs, 'UTC')}
            </span>
          )}
        </span>
      ),
    },
    {
      key: 'severity',
      header: 'Urgency',
      cell: ({ rule }) =>
        rule.isEnabled ? (
          <StatusBadge state={SEVERITY_WORDS[rule.severity]} size="sm" />
        ) : (
          <StatusBadge
            state={{ word: 'Off', tone: 'mute', shape: 'excused', meaning: 'It opens no alerts.' }}
            size="sm"
          />
        ),
    },
    {
      key: 'rate',
      header: 'Alerts per 100 devices and week',
      align: 'end',
      cell: ({ rule, noise }) =>
        noise.per100DevicesWeek === null ? (
          'not measured'
        ) : (
          <Link href={alertsOf(rule, 'any', view)} prefetch={false}>
            {noise.per100DevicesWeek.toFixed(1)}
            <span className="hf-visually-hidden">
              , alerts of {rule.name} in {view.days} days
            </span>
          </Link>
        ),
    },
    {
      key: 'noise',
      header: 'Over by itself within an hour',
      align: 'end',
      cell: ({ rule, noise }) =>
        noise.over === 0 ? (
          noiseWords(noise)
        ) : (
          <>
            <Link href={alertsOf(rule, 'resolved', view)} prefetch={false}>
              {noiseWords(noise)}
              <span className="hf-visually-hidden">, alerts of {rule.name} that are over</span>
            </Link>
            <div className={classes.small}>{mendedWords(noise)}</div>
          </>
        ),
    },
    {
      key: 'mtta',
      header: 'Until seen',
      align: 'end',
      isWideOnly: true,
      cell: ({ noise }) => (noise.mttaMs === null ? 'no case' : formatDuration(noise.mttaMs)),
    },
    {
      key: 'mttr',
      header: 'Until over',
      align: 'end',
      isWideOnly: true,
      cell: ({ noise }) => (noise.mttrMs === null ? 'no case' : formatDuration(noise.mttrMs)),
    },
    {
      key: 'act',
      header: <span className="hf-visually-hidden">What can be done</span>,
      align: 'end',
      cell: ({ rule }) => <RuleDialog rule={rule} mayChange={view.mayChange} choices={choices} />,
    },
  ];
  return (
    <>
      <PageHeader
        crumbs={[{ label: 'Alerts', href: '/alerts' }]}
        eyebrow="Rules"
        sentence={rulesSentence(view.rules)}
        support={`What each did in the last ${view.days} days at ${formatCount(view.devices)} devices. A rule that is mostly over before anybody looks calls for nothing: widen its limits.`}
        {...(view.mayChange ? { actions: <NewRule kinds={OWN_RULE_KINDS} choices={choices} /> } : {})}
      />
      <NoiseTiles view={view} />
      <Panel isFlush>
        <DataTable label="Rules" columns={columns} rows={view.rules} rowKey={({ rule }) => rule.id ?? rule.kind} />
      </Panel>
      <div className={classes.quotas}>
        <UrgencyPanel view={view} />
      </div>
      <div className={classes.quotas}>
        <Panel
          title="Quotas"
          note="what a customer’s vaults may hold together; being full alerts, and stops no backup"
          {...(view.mayChange && view.customers.length > 0
            ? { actions: <QuotaDialog customers={view.customers} /> }
            : {})}
        >
          <Quotas customers={view.customers} />
        </Panel>
      </div>
    </>
  );
}

/** The alerts that the figures of a rule are counted from, and no others: those that were opened in its days. */
function alertsOf({ id, kind }: Rule, state: AlertListState, { nowMs, days }: RulesView): string {
  const since = new Date(nowMs - days * 86_400_000).toISOString();
  return `/alerts?${new URLSearchParams({ state, kind, rule: id ?? 'built_in', since })}`;
}

function Quotas({ customers }: Pick<RulesView, 'customers'>): ReactNode {
  const agreed = customers.filter(({ quotaBytes }) => quotaBytes !== null);
  if (agreed.length === 0) return <p className="hf-quiet">No quota is agreed with any customer.</p>;
  return <KeyValues items={agreed.map(({ name, quotaBytes }) => ({ key: name, value: formatBytes(quotaBytes!) }))} />;
}
