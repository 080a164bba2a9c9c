'use client';
import { Button, Group, Modal, MultiSelect, NumberInput, Select, Switch, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { type AlertKind, KIND_WORDS, SEVERITIES, type Severity } from '../../../../core/domain/alerts/kinds.ts';
import { SCOPE_FIELDS } from '../../../../core/domain/alerts/rule-scope.ts';
import { builtInRule, DEVICE_CLASSES, type Rule, type RuleFilter } from '../../../../core/domain/alerts/rules.ts';
import { FILTER_CHARS_MAX } from '../../../../core/domain/fleet-filter/filter.ts';
import type { BackTestView, RulesView } from '../../../../server/alerts/view.ts';
import { SEVERITY_WORDS } from '../../../_ui/alert-words.ts';
import { Notice } from '../../../_ui/notice.tsx';
import { postJson } from '../../../_ui/post-json.ts';
import { BackTestResult } from './back-test-result.tsx';
import { LIMIT_FIELDS } from './rule-words.ts';
import classes from './rules.module.css';

type Choices = Pick<RulesView, 'customers' | 'policies'>;

/** One rule: its limits, at what it looks, and what it would have done. It is tried on the past before it is switched on. */
export function RuleDialog({
  rule,
  mayChange,
  choices,
}: {
  rule: Rule;
  mayChange: boolean;
  choices: Choices;
}): ReactNode {
  const [isOpen, dialog] = useDisclosure(false);
  const target = rule.id === null ? { builtIn: true } : { id: rule.id };
  return (
    <>
      <Button size="compact-sm" variant="default" onClick={dialog.open} aria-label={`Open the rule: ${rule.name}`}>
        {mayChange ? 'Change…' : 'Look…'}
      </Button>
      <Modal
        opened={isOpen}
        onClose={dialog.close}
        title={rule.name}
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <RuleForm rule={rule} target={target} mayChange={mayChange} choices={choices} onDone={dialog.close} />
      </Modal>
    </>
  );
}

/** A rule of the provider's own, beside the built-in ones. */
export function NewRule({ kinds, choices }: { kinds: readonly AlertKind[]; choices: Choices }): ReactNode {
  const [isOpen, dialog] = useDisclosure(false);
  const [kind, setKind] = useState<AlertKind>(kinds[0]!);
  return (
    <>
      <Button variant="default" onClick={dialog.open}>
        New rule…
      </Button>
      <Modal
        opened={isOpen}
        onClose={dialog.close}
        title="A rule of your own"
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Select
          label="What it looks for"
          value={kind}
          data={kinds.map((one) => ({ value: one, label: KIND_WORDS[one].name }))}
          onChange={(value) => setKind(kinds.find((one) => one === value) ?? kind)}
          allowDeselect={false}
          mb="sm"
        />
        <RuleForm
          key={kind}
          rule={{ ...builtInRule(kind), name: '' }}
          target={{ isNew: true }}
          mayChange
          choices={choices}
          onDone={dialog.close}
        />
      </Modal>
    </>
  );
}

function RuleForm({
  rule,
  target,
  mayChange,
  choices,
  onDone,
}: {
  rule: Rule;
  target: Readonly<Record<string, unknown>>;
  mayChange: boolean;
  choices: Choices;
  onDone: () => void;
}): ReactNode {
  const router = useRouter();
  const [name, setName] = useState(rule.name);
  const [isEnabled, setEnabled] = useState(rule.isEnabled);
  const [severity, setSeverity] = useState<Severity>(rule.severity);
  const [limits, setLimits] = useState<Readonly<Record<string, number | string>>>({ ...rule.parameters });
  const [filter, setFilter] = useState<RuleFilter>(rule.filter);
  const [problem, setProblem] = useState<string | null>(null);
  const [result, setResult] = useState<BackTestView | null>(null);
  const [tried, setTried] = useState('');
  const [isBusy, setBusy] = useState(false);
  const isBuiltIn = 'builtIn' in target;
  // What was tried with other limits says nothing about these.
  const asked = JSON.stringify([limits, filter]);
  const isTried = tried === asked;
  // The server holds it too (server/alerts/back-test/rule-trials.ts): here it is asked for before anything is refused.
  const doesAnew = 'isNew' in target || !rule.isEnabled || asked !== JSON.stringify([rule.parameters, rule.filter]);
  const mustTry = isEnabled && doesAnew && !isTried;
  const wish = { kind: rule.kind, name, isEnabled, severity, parameters: limits, filter };

  const send = async <T,>(path: string, body: unknown): Promise<T | null> => {
    setBusy(true);
    const answer = await postJson<T>(path, body);
    setBusy(false);
    setProblem(answer.ok ? null : answer.message);
    return answer.ok ? answer.value : null;
  };
  const save = async (): Promise<void> => {
    if ((await send('/api/alert-rules', { target, wish })) === null) return;
    notifications.show({ message: 'Kept. What follows from it is there within a minute.', color: 'harbour' });
    onDone();
    router.refresh();
  };
  const tryIt = async (): Promise<void> => {
    const named = { ...wish, name: name.trim() === '' ? KIND_WORDS[rule.kind].name : name };
    const found = await send<BackTestView>('/api/alert-rules/test', { wish: named });
    setResult(found);
    if (found !== null) setTried(asked);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void (mustTry ? tryIt() : save());
      }}
    >
      {problem !== null && (
        <Notice tone="warn" title="Nothing was changed">
          {problem}
        </Notice>
      )}
      <p className="hf-quiet">{KIND_WORDS[rule.kind].meaning}</p>
      <div className={classes.fields}>
        {!isBuiltIn && (
          <TextInput
            label="Name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
            withAsterisk={false}
            maxLength={120}
            disabled={!mayChange}
          />
        )}
        {Object.keys(limits).length > 0 && (
          <div className={classes.pair}>
            {Object.entries(limits).map(([key, value]) => (
              <NumberInput
                key={key}
                label={LIMIT_FIELDS[key]?.label ?? key}
                suffix={LIMIT_FIELDS[key]?.unit ? ` ${LIMIT_FIELDS[key].unit}` : ''}
                value={value}
                min={0}
                onChange={(next) => setLimits({ ...limits, [key]: next })}
                disabled={!mayChange}
              />
            ))}
          </div>
        )}
        <Select
          label="Urgency"
          value={severity}
          data={SEVERITIES.map((one) => ({ value: one, label: SEVERITY_WORDS[one].word }))}
          onChange={(value) => setSeverity(SEVERITIES.find((one) => one === value) ?? severity)}
          allowDeselect={false}
          disabled={!mayChange}
        />
        <FilterFields filter={filter} onChange={setFilter} choices={choices} isDisabled={!mayChange} />
        <Switch
          label="The rule is on"
          checked={isEnabled}
          onChange={(event) => setEnabled(event.currentTarget.checked)}
          disabled={!mayChange}
        />
      </div>
      <BackTestResult result={isTried ? result : null} />
      <Group justify="flex-end" mt="lg">
        {!(mayChange && mustTry) && (
          <Button variant="default" loading={isBusy} onClick={() => void tryIt()}>
            Try it on the last 30 days
          </Button>
        )}
        {mayChange && (
          <Button type="submit" loading={isBusy}>
            {mustTry ? 'Try it on the last 30 days, then keep' : 'Keep'}
          </Button>
        )}
      </Group>
    </form>
  );
}

function FilterFields({
  filter,
  onChange,
  choices,
  isDisabled,
}: {
  filter: RuleFilter;
  onChange: (filter: RuleFilter) => void;
  choices: Choices;
  isDisabled: boolean;
}): ReactNode {
  const set = (key: keyof RuleFilter, values: readonly string[] | string): void => {
    const { [key]: _, ...others } = filter;
    // An empty one would look at nothing; without it the rule looks at all.
    onChange(values.length === 0 ? others : { ...others, [key]: typeof values === 'string' ? values : [...values] });
  };
  return (
    <>
      <MultiSelect
        label="Customers"
        placeholder={filter.customerIds === undefined ? 'Every customer' : ''}
        value={filter.customerIds ?? []}
        data={choices.customers.map(({ id, name }) => ({ value: id, label: name }))}
        onChange={(values) => set('customerIds', values)}
        searchable
        clearable
        disabled={isDisabled}
      />
      <MultiSelect
        label="Policies"
        placeholder={filter.policyIds === undefined ? 'Every policy' : ''}
        value={filter.policyIds ?? []}
        data={choices.policies.map(({ id, name, customerName }) => ({ value: id, label: `${name}, ${customerName}` }))}
        onChange={(values) => set('policyIds', values)}
        searchable
        clearable
        disabled={isDisabled}
      />
      <MultiSelect
        label="Classes"
        placeholder={filter.classes === undefined ? 'Servers and workstations' : ''}
        value={filter.classes ?? []}
        data={DEVICE_CLASSES.map((one) => ({ value: one, label: one === 'server' ? 'Servers' : 'Workstations' }))}
        onChange={(values) => set('classes', values)}
        clearable
        disabled={isDisabled}
      />
      <TextInput
        label="Devices"
        description={`As in the fleet list, by ${SCOPE_FIELDS.join(', ')}. Of a quota: devices alone, no customer as a whole.`}
        placeholder="tag:gold -name:test"
        value={filter.devices ?? ''}
        onChange={(event) => set('devices', event.currentTarget.value)}
        maxLength={FILTER_CHARS_MAX}
        disabled={isDisabled}
      />
    </>
  );
}
