'use client';
import { Select } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { SEVERITIES } from '../../../../core/domain/alerts/kinds.ts';
import { ruleKey } from '../../../../core/domain/alerts/reconcile.ts';
import type { RulesView, UrgencyLine } from '../../../../server/alerts/view.ts';
import { SEVERITY_WORDS } from '../../../_ui/alert-words.ts';
import { FormDialog } from '../../../_ui/form-dialog.client.tsx';

const AS_RULE = 'rule';

/** Says how urgent the alerts of one rule are at one customer, or takes that back. */
export function UrgencyDialog({
  customers,
  rules,
  urgencies,
}: Pick<RulesView, 'customers' | 'rules'> & { urgencies: readonly UrgencyLine[] }): ReactNode {
  const keyed = rules.map(({ rule }) => ({ ...rule, key: ruleKey({ kind: rule.kind, ruleId: rule.id }) }));
  const [customerId, setCustomerId] = useState(customers[0]!.id);
  const [key, setKey] = useState(keyed[0]!.key);
  const known = urgencies.find((one) => one.customerId === customerId && one.ruleKey === key)?.severity ?? null;
  const [chosen, setChosen] = useState<string | null>(null);
  const severity = chosen ?? known ?? AS_RULE;
  const rule = keyed.find((one) => one.key === key)!;
  return (
    <FormDialog
      button="Set for a customer…"
      title="Urgency at a customer"
      submit="Keep"
      onSend={async (send) => {
        const wish = { customerId, ruleKey: key, severity: severity === AS_RULE ? null : severity };
        const answer = await send('/api/alert-rules/urgency', wish, 'Kept. Alerts that stand have it at once.');
        if (answer.ok) setChosen(null);
        return answer;
      }}
    >
      <Select
        label="Customer"
        value={customerId}
        data={customers.map(({ id, name }) => ({ value: id, label: name }))}
        onChange={(id) => {
          setCustomerId(id ?? customerId);
          setChosen(null);
        }}
        allowDeselect={false}
        searchable
      />
      <Select
        label="Rule"
        mt="sm"
        value={key}
        data={keyed.map((one) => ({ value: one.key, label: one.name }))}
        onChange={(value) => {
          setKey(value ?? key);
          setChosen(null);
        }}
        allowDeselect={false}
        searchable
      />
      <Select
        label="Urgency"
        mt="sm"
        value={severity}
        data={[
          { value: AS_RULE, label: `As the rule says: ${SEVERITY_WORDS[rule.severity].word}` },
          ...SEVERITIES.map((one) => ({ value: one, label: SEVERITY_WORDS[one].word })),
        ]}
        onChange={setChosen}
        allowDeselect={false}
      />
    </FormDialog>
  );
}
