'use client';
import { Select } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { RulesView } from '../../../../server/alerts/view.ts';
import { FormDialog } from '../../../_ui/form-dialog.client.tsx';
import { inBytes, inGigabytes, QuotaField } from '../../../_ui/quota-field.client.tsx';

/** Agrees on a quota with a customer, changes it, or takes it away. */
export function QuotaDialog({ customers }: Pick<RulesView, 'customers'>): ReactNode {
  const [customerId, setCustomerId] = useState(customers[0]!.id);
  const chosen = customers.find(({ id }) => id === customerId)!;
  const [gigabytes, setGigabytes] = useState(inGigabytes(chosen.quotaBytes));
  const choose = (id: string | null): void => {
    const next = customers.find((one) => one.id === id) ?? chosen;
    setCustomerId(next.id);
    setGigabytes(inGigabytes(next.quotaBytes));
  };
  return (
    <FormDialog
      button="Set a quota…"
      title="Set a quota"
      submit="Keep"
      onSend={(send) => send(`/api/customers/${customerId}/quota`, { quotaBytes: inBytes(gigabytes) }, 'Kept.')}
    >
      <Select
        label="Customer"
        value={customerId}
        data={customers.map(({ id, name }) => ({ value: id, label: name }))}
        onChange={choose}
        allowDeselect={false}
        searchable
      />
      <QuotaField value={gigabytes} onChange={setGigabytes} />
    </FormDialog>
  );
}
