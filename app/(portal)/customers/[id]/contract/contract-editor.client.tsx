'use client';
import { Button, Group, NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useRouter } from 'next/navigation';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { FigureChange } from '../../../../../core/domain/sla/amendments.ts';
import type { SlaTerms, SlaTier } from '../../../../../core/domain/sla/contract.ts';
import { DataTable } from '../../../../_ui/data-table.tsx';
import { Notice } from '../../../../_ui/notice.tsx';
import { Panel } from '../../../../_ui/panel.tsx';
import { postJson } from '../../../../_ui/post-json.ts';
import { figureName, figureValue, monthWords } from '../../../../../core/domain/sla/sla-words.ts';
import classes from './contract-editor.module.css';

interface Named {
  readonly id: string;
  readonly name: string;
}

/** The next version of a contract: its terms, from when they hold, and what they would have meant for a month that was. */
export function ContractEditor({
  customerId,
  basedOn,
  terms: given,
  policies,
  devices,
  months,
  today,
}: {
  customerId: string;
  basedOn: number | null;
  terms: SlaTerms;
  policies: readonly Named[];
  devices: readonly Named[];
  months: readonly string[];
  today: string;
}): ReactNode {
  const router = useRouter();
  const [terms, setTerms] = useState(given);
  const [validFrom, setValidFrom] = useState(today);
  const [reason, setReason] = useState('');
  const [month, setMonth] = useState(months[0] ?? '');
  const [tried, setTried] = useState<{ readonly month: string; readonly changes: readonly FigureChange[] } | null>(
    null,
  );
  const [problem, setProblem] = useState<string | null>(null);
  const [isSending, setSending] = useState<'try' | 'save' | null>(null);

  const change = (next: Partial<SlaTerms>): void => {
    setTerms({ ...terms, ...next });
    // What was tried were other terms.
    setTried(null);
  };
  const changeTier = (at: number, next: Partial<SlaTier>): void =>
    change({ tiers: terms.tiers.map((tier, n) => (n === at ? { ...tier, ...next } : tier)) });
  const addTier = (): void => {
    const taken = new Set(terms.tiers.map(({ key }) => key));
    const key = Array.from({ length: 9 }, (_, n) => `tier-${n + 1}`).find((one) => !taken.has(one))!;
    change({ tiers: [...terms.tiers, { ...terms.tiers[0]!, key, name: 'Another tier' }] });
  };
  const removeTier = (key: string): void => {
    const tiers = terms.tiers.filter((tier) => tier.key !== key);
    change({
      tiers,
      defaultTier: terms.defaultTier === key ? tiers[0]!.key : terms.defaultTier,
      assignments: terms.assignments.filter(({ tier }) => tier !== key),
    });
  };
  const assign = (kind: 'policy' | 'device', id: string, tier: string | null): void =>
    change({
      assignments: [
        ...terms.assignments.filter((one) => one.kind !== kind || one.id !== id),
        ...(tier === null ? [] : [{ kind, id, tier }]),
      ],
    });

  const tryOut = async (): Promise<void> => {
    setSending('try');
    const answer = await postJson<{ changes: FigureChange[] }>(`/api/customers/${customerId}/contract/preview`, {
      terms,
      month,
    });
    setSending(null);
    setProblem(answer.ok ? null : answer.message);
    if (answer.ok) setTried({ month, changes: answer.value.changes });
  };
  const save = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    setSending('save');
    const answer = await postJson<{ version: number }>(`/api/customers/${customerId}/contract`, {
      terms,
      validFrom,
      basedOn,
      reason,
    });
    setSending(null);
    setProblem(answer.ok ? null : answer.message);
    if (!answer.ok) return;
    setReason('');
    setTried(null);
    notifications.show({ message: `Version ${answer.value.version} is written.`, color: 'harbour' });
    router.refresh();
  };

  const tierNames = new Map(terms.tiers.map(({ key, name }) => [key, name]));
  const options = terms.tiers.map(({ key, name }) => ({ value: key, label: name }));
  return (
    <Panel title={basedOn === null ? 'The first version' : 'The next version'}>
      <form onSubmit={(event) => void save(event)} className={classes.form}>
        {terms.tiers.map((tier, at) => (
          <TierFields
            key={tier.key}
            tier={tier}
            onChange={(next) => changeTier(at, next)}
            {...(terms.tiers.length > 1 ? { onRemove: () => removeTier(tier.key) } : {})}
          />
        ))}
        <Group>
          <Button variant="default" size="compact-sm" onClick={addTier} disabled={terms.tiers.length >= 8}>
            Add a tier
          </Button>
        </Group>
        <Select
          label="Everything belongs to"
          description="unless it is given another tier below"
          data={options}
          value={terms.defaultTier}
          onChange={(key) => key !== null && change({ defaultTier: key })}
          allowDeselect={false}
        />
        {terms.tiers.length > 1 && (
          <details className={classes.assignments}>
            <summary>Who has another tier ({terms.assignments.length})</summary>
            {(['policy', 'device'] as const).map((kind) =>
              (kind === 'policy' ? policies : devices).map(({ id, name }) => (
                <Select
                  key={id}
                  label={kind === 'policy' ? `Everything under the policy ${name}` : `The device ${name}`}
                  placeholder={kind === 'policy' ? 'As everything' : 'As its policy'}
                  data={options}
                  value={terms.assignments.find((one) => one.kind === kind && one.id === id)?.tier ?? null}
                  onChange={(key) => assign(kind, id, key)}
                  clearable
                />
              )),
            )}
          </details>
        )}
        <Credits credits={terms.credits} onChange={(credits) => change({ credits })} />
        <div className={classes.row}>
          <TextInput
            type="date"
            label="Valid from"
            description="the beginning of this day, by the customer’s clock"
            value={validFrom}
            onChange={(event) => setValidFrom(event.currentTarget.value)}
            required
            withAsterisk={false}
          />
          <Select
            label="Try it on"
            description="nothing is written"
            data={months.map((one) => ({ value: one, label: monthWords(one) }))}
            value={month}
            onChange={(one) => one !== null && setMonth(one)}
            allowDeselect={false}
          />
          <Button variant="default" loading={isSending === 'try'} onClick={() => void tryOut()}>
            What would have been?
          </Button>
        </div>
        {tried !== null && <Tried tried={tried} names={tierNames} />}
        <Textarea
          label="Why"
          description="The customer reads it."
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          required
          withAsterisk={false}
          maxLength={1000}
          autosize
          minRows={2}
          maxRows={6}
        />
        {problem !== null && (
          <Notice tone="warn" title="Nothing was changed">
            {problem}
          </Notice>
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={isSending === 'save'}>
            Write version {(basedOn ?? 0) + 1}
          </Button>
        </Group>
      </form>
    </Panel>
  );
}

/** Of a number field that may be empty while somebody types: nothing is said until it is a number again. */
const whenNumber = (set: (value: number) => void) => (value: string | number) => {
  if (typeof value === 'number') set(value);
};
/** 99.5 of 0.995, without the dust of binary fractions. */
const percentOf = (share: number): number => Math.round(share * 1e6) / 1e4;
const shareOfPercent = (percent: number): number => Math.round(percent * 1e4) / 1e6;

function TierFields({
  tier,
  onChange,
  onRemove,
}: {
  tier: SlaTier;
  onChange: (next: Partial<SlaTier>) => void;
  onRemove?: () => void;
}): ReactNode {
  const field = (
    label: string,
    value: number,
    set: (value: number) => void,
    unit: string,
    max: number,
    min = 1,
  ): ReactNode => (
    <NumberInput
      label={label}
      value={value}
      onChange={whenNumber(set)}
      suffix={` ${unit}`}
      min={min}
      max={max}
      decimalScale={2}
    />
  );
  return (
    <fieldset className={classes.tier}>
      <legend>{tier.name}</legend>
      <div className={classes.fields}>
        <TextInput
          label="Name"
          value={tier.name}
          onChange={(event) => onChange({ name: event.currentTarget.value })}
          maxLength={60}
          required
          withAsterisk={false}
        />
        {field(
          'Data at most this old',
          tier.rpoMinutes / 60,
          (hours) => onChange({ rpoMinutes: Math.round(hours * 60) }),
          'h',
          744,
          0.25,
        )}
        {field(
          'for this share of the time',
          percentOf(tier.rpoShare),
          (value) => onChange({ rpoShare: shareOfPercent(value) }),
          '%',
          100,
          0,
        )}
        {field(
          'Backups that succeed',
          percentOf(tier.successShare),
          (value) => onChange({ successShare: shareOfPercent(value) }),
          '%',
          100,
          0,
        )}
        {field(
          'Recovered within',
          tier.rtoMinutes / 60,
          (hours) => onChange({ rtoMinutes: Math.round(hours * 60) }),
          'h',
          744,
          0.25,
        )}
        <Select
          label="Restores tested to level"
          data={[
            { value: '3', label: '3, files compared' },
            { value: '4', label: '4, opened' },
            { value: '5', label: '5, the whole system' },
          ]}
          value={String(tier.drill.level)}
          onChange={(value) =>
            value !== null && onChange({ drill: { ...tier.drill, level: Number(value) as 3 | 4 | 5 } })
          }
          allowDeselect={false}
        />
        {field(
          'at least every',
          tier.drill.everyDays,
          (everyDays) => onChange({ drill: { ...tier.drill, everyDays } }),
          'days',
          366,
        )}
        {field('Kept for', tier.retentionDays, (retentionDays) => onChange({ retentionDays }), 'days', 3660)}
        {field('Read again within', tier.integrityDays, (integrityDays) => onChange({ integrityDays }), 'days', 366)}
        {field('Weight among tiers', tier.weight, (weight) => onChange({ weight }), '', 100)}
      </div>
      {onRemove !== undefined && (
        <Button variant="default" size="compact-sm" onClick={onRemove}>
          Remove {tier.name}
        </Button>
      )}
    </fieldset>
  );
}

function Credits({
  credits,
  onChange,
}: {
  credits: SlaTerms['credits'];
  onChange: (credits: SlaTerms['credits']) => void;
}): ReactNode {
  return (
    <fieldset className={classes.tier}>
      <legend>What is paid back</legend>
      {credits.map((step, at) => (
        // Steps have no name of their own; they are only added and removed at the end.
        <div key={`step-${at}`} className={classes.row}>
          <NumberInput
            label="Below this share of the time"
            value={percentOf(step.below)}
            onChange={whenNumber((value) =>
              onChange(credits.map((one, n) => (n === at ? { ...one, below: shareOfPercent(value) } : one))),
            )}
            suffix=" %"
            min={0}
            max={100}
          />
          <NumberInput
            label="of the month’s fee"
            value={step.percent}
            onChange={whenNumber((percent) =>
              onChange(credits.map((one, n) => (n === at ? { ...one, percent } : one))),
            )}
            suffix=" %"
            min={0.5}
            max={100}
          />
        </div>
      ))}
      <Group>
        <Button
          variant="default"
          size="compact-sm"
          disabled={credits.length >= 8}
          onClick={() => onChange([...credits, { below: 0.99, percent: 5 }])}
        >
          Add a step
        </Button>
        {credits.length > 0 && (
          <Button variant="default" size="compact-sm" onClick={() => onChange(credits.slice(0, -1))}>
            Remove the last step
          </Button>
        )}
      </Group>
    </fieldset>
  );
}

function Tried({
  tried,
  names,
}: {
  tried: { readonly month: string; readonly changes: readonly FigureChange[] };
  names: ReadonlyMap<string, string>;
}): ReactNode {
  if (tried.changes.length === 0) return <p>In {monthWords(tried.month)} these terms would have changed no figure.</p>;
  return (
    <DataTable
      label={`What ${monthWords(tried.month)} would have been`}
      columns={[
        { key: 'figure', header: monthWords(tried.month), cell: ({ figure }) => figureName(figure, names) },
        { key: 'before', header: 'As it was', align: 'end', cell: (one) => figureValue(one.figure, one.before) },
        { key: 'after', header: 'With these terms', align: 'end', cell: (one) => figureValue(one.figure, one.after) },
      ]}
      rows={tried.changes}
      rowKey={({ figure }) => figure}
    />
  );
}
