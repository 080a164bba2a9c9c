import type { ReactNode } from 'react';
import type { RulesView, UrgencyLine } from '../../../../server/alerts/view.ts';
import { SEVERITY_WORDS } from '../../../_ui/alert-words.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { Moment } from '../../../_ui/moment.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import { UrgencyDialog } from './urgency-dialog.client.tsx';

/** What is more, or less, urgent at one customer than the rule says, with who said so and when; and what was said before. */
export function UrgencyPanel({ view }: { view: RulesView }): ReactNode {
  const inForce = view.urgencies.filter(({ isInForce }) => isInForce);
  const former = view.urgencies.filter(({ isInForce }) => !isInForce);
  return (
    <Panel
      title="Urgency at customers"
      note="where it differs from the rule; every other customer has what the rule says"
      isFlush={inForce.length > 0}
      {...(view.mayChange && view.customers.length > 0
        ? { actions: <UrgencyDialog customers={view.customers} rules={view.rules} urgencies={inForce} /> }
        : {})}
    >
      {inForce.length === 0 ? (
        <p className="hf-quiet">Every customer has the urgency of the rules.</p>
      ) : (
        <DataTable
          label="Urgencies that differ from the rules"
          columns={columnsOf(view.nowMs)}
          rows={inForce}
          rowKey={({ id }) => id}
        />
      )}
      {former.length > 0 && (
        <details style={{ padding: inForce.length > 0 ? '8px 16px 16px' : 0, marginTop: 8 }}>
          <summary>What was said before ({former.length})</summary>
          <DataTable
            label="Urgencies of before"
            columns={columnsOf(view.nowMs)}
            rows={former}
            rowKey={({ id }) => id}
          />
        </details>
      )}
    </Panel>
  );
}

function columnsOf(nowMs: number): Column<UrgencyLine>[] {
  return [
    { key: 'customer', header: 'Customer', cell: ({ customerName }) => customerName },
    { key: 'rule', header: 'Rule', cell: ({ ruleName }) => ruleName },
    {
      key: 'severity',
      header: 'Urgency',
      cell: ({ severity }) =>
        severity === null ? 'as the rule says' : <StatusBadge state={SEVERITY_WORDS[severity]} size="sm" />,
    },
    { key: 'who', header: 'By', cell: ({ who }) => who },
    { key: 'at', header: 'Since', cell: ({ atMs }) => <Moment atMs={atMs} clock={{ nowMs, timeZone: 'UTC' }} /> },
  ];
}
