'use client';
import { Button, Select, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import { CopyField } from '../../../_ui/copy-field.client.tsx';
import { Notice } from '../../../_ui/notice.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { postJson } from '../../../_ui/post-json.ts';
import { TwoColumns } from '../../../_ui/two-columns.tsx';
import { type Custody, CustodyChoice } from './custody-choice.client.tsx';
import classes from './enrol-form.module.css';

interface CustomerWithPolicies {
  readonly id: string;
  readonly name: string;
  readonly policies: readonly { readonly id: string; readonly name: string }[];
}

interface Made {
  readonly token: string;
  readonly gatewayUrl: string;
  readonly customerName: string;
  readonly custody: Custody;
}

/** Makes an enrolment token and shows it, once, inside the commands that use it. */
export function EnrolForm({ customers }: { customers: readonly CustomerWithPolicies[] }): ReactNode {
  const [customerId, setCustomerId] = useState(customers[0]?.id ?? null);
  const customer = customers.find((one) => one.id === customerId);
  const [policyId, setPolicyId] = useState(customer?.policies[0]?.id ?? null);
  const [label, setLabel] = useState('');
  const [custody, setCustody] = useState<Custody>('escrowed');
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [made, setMade] = useState<Made | null>(null);

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    setSending(true);
    setProblem(null);
    const answer = await postJson<{ token: string; gatewayUrl: string }>('/api/enrolment-tokens', {
      customerId,
      policyId,
      label: label.trim(),
      custody,
    });
    setSending(false);
    if (answer.ok) {
      setMade({ ...answer.value, custody, customerName: customer?.name ?? '' });
      setLabel('');
    } else setProblem(answer.message);
  };

  return (
    <TwoColumns
      main={
        <Panel title="Which machine">
          <form onSubmit={(event) => void submit(event)} className={classes.form}>
            {problem !== null && (
              <Notice tone="risk" title="No token was made">
                {problem}
              </Notice>
            )}
            <Select
              label="Customer"
              data={customers.map((one) => ({ value: one.id, label: one.name }))}
              value={customerId}
              onChange={(value) => {
                setCustomerId(value);
                setPolicyId(customers.find((one) => one.id === value)?.policies[0]?.id ?? null);
              }}
              allowDeselect={false}
            />
            <Select
              label="Policy"
              description="What is backed up, how often, and how it is proven."
              data={(customer?.policies ?? []).map((one) => ({ value: one.id, label: one.name }))}
              value={policyId}
              onChange={setPolicyId}
              allowDeselect={false}
            />
            <TextInput
              label="For which machine"
              description="A note for yourself; the device takes its name from the machine."
              placeholder="Front desk PC"
              value={label}
              onChange={(event) => setLabel(event.currentTarget.value)}
              required
              withAsterisk={false}
              maxLength={120}
            />
            <CustodyChoice value={custody} onChange={setCustody} />
            <Button type="submit" loading={isSending} disabled={customerId === null || policyId === null}>
              Make a token
            </Button>
          </form>
        </Panel>
      }
      side={
        <Panel title="On the machine">
          {made === null ? (
            <ol className={classes.steps}>
              <li>Make a token here.</li>
              <li>Run the two commands that appear in this place on the machine, as its administrator.</li>
              <li>The device shows up in the fleet at once, and its first backup begins by itself.</li>
            </ol>
          ) : (
            <Commands made={made} />
          )}
        </Panel>
      }
    />
  );
}

function Commands({ made }: { made: Made }): ReactNode {
  return (
    <div className={classes.form} aria-live="polite">
      <Notice tone="warn" title="Shown only this once">
        Copy it now. It enrols one machine for {made.customerName} within 24 hours.{' '}
        {made.custody === 'customer_held'
          ? 'Only the customer will hold the keys.'
          : 'The service will hold a key too, for restore tests.'}
      </Notice>
      <CopyField
        label="1. Enrol the machine"
        text={`holdfast enroll --server ${made.gatewayUrl} --token ${made.token}`}
      />
      <CopyField label="2. Keep it backing up" text="holdfast run" />
    </div>
  );
}
