'use client';
import { Button, Checkbox, Group, MultiSelect, NumberInput, Select, Stack, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { ChannelRouting } from '../../../../../core/domain/delivery/routing.ts';
import { Notice } from '../../../../_ui/notice.tsx';
import { useSending } from '../../../../_ui/use-sending.ts';
import type { Customer } from '../channel-form.client.tsx';
import { ALERT_CHOICES, SEVERITY_CHOICES, TELLS_CHOICES } from '../notification-words.ts';
import classes from '../notifications.module.css';

type Rule = ChannelRouting['rules'][number];
type Quiet = NonNullable<ChannelRouting['quiet']>;

const NEW_RULE: Rule = { minSeverity: 'warning', kinds: [], customerIds: [], afterMinutes: 0 };

/** What is told through a channel, when, and how much at once. */
export function RoutingForm({
  channel,
  customers,
  zones,
  isForPeople,
  canDigest,
}: {
  channel: {
    readonly id: string;
    readonly name: string;
    readonly version: number;
    readonly settings: Readonly<Record<string, unknown>>;
    readonly routing: ChannelRouting;
  };
  /** Empty for a customer: it hears of itself alone. */
  customers: readonly Customer[];
  zones: readonly string[];
  isForPeople: boolean;
  canDigest: boolean;
}): ReactNode {
  const [routing, setRouting] = useState(channel.routing);
  const { isSending, problem, send } = useSending();
  const change = (part: Partial<ChannelRouting>): void => setRouting((before) => ({ ...before, ...part }));
  const changeRule = (at: number, part: Partial<Rule>): void =>
    change({ rules: routing.rules.map((rule, index) => (index === at ? { ...rule, ...part } : rule)) });

  const save = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const { name, settings, version } = channel;
    await send(
      `/api/notification-channels/${channel.id}`,
      { name, settings, version, routing },
      'Saved. It holds for everything that happens from now on.',
    );
  };

  return (
    <form onSubmit={(event) => void save(event)}>
      <Stack gap="md">
        {problem !== null && (
          <Notice tone="warn" title="Nothing was saved">
            {problem}
          </Notice>
        )}
        {routing.rules.length === 0 && (
          <Notice tone="warn" title="No alert goes through here">
            Add a rule to say which.
          </Notice>
        )}
        {routing.rules.map((rule, at) => (
          // The rules have no ids; their order is what they are known by.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <RuleFields
            key={at}
            rule={rule}
            at={at}
            customers={customers}
            onChange={(part) => changeRule(at, part)}
            onRemove={() => change({ rules: routing.rules.filter((_, index) => index !== at) })}
          />
        ))}
        <Group>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconPlus size={14} />}
            onClick={() => change({ rules: [...routing.rules, NEW_RULE] })}
          >
            Add a rule
          </Button>
        </Group>
        <Select
          label="Of an alert it tells"
          data={[...TELLS_CHOICES]}
          value={routing.tells}
          onChange={(value) => change({ tells: value ?? routing.tells })}
          allowDeselect={false}
        />
        <QuietFields quiet={routing.quiet} zones={zones} onChange={(quiet) => change({ quiet })} />
        {isForPeople && (
          <div className={classes.pair}>
            <NumberInput
              label="Gather for so many seconds"
              description="More than four alerts within it are one message."
              value={routing.gatherSeconds}
              onChange={(value) => change({ gatherSeconds: Number(value) })}
              min={0}
              max={3600}
            />
            <NumberInput
              label="Messages an hour at most"
              description="What is beyond it waits and comes as one."
              value={routing.perHour}
              onChange={(value) => change({ perHour: Number(value) })}
              min={1}
              max={3600}
            />
          </div>
        )}
        {canDigest && <DigestFields digest={routing.digest} zones={zones} onChange={(digest) => change({ digest })} />}
        <Group justify="flex-end">
          <Button type="submit" loading={isSending}>
            Save what is told
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function RuleFields({
  rule,
  at,
  customers,
  onChange,
  onRemove,
}: {
  rule: Rule;
  at: number;
  customers: readonly Customer[];
  onChange: (part: Partial<Rule>) => void;
  onRemove: () => void;
}): ReactNode {
  return (
    <fieldset className={classes.rule} aria-label={`Rule ${at + 1}`}>
      <div className={classes.pair}>
        <Select
          label="How bad"
          data={[...SEVERITY_CHOICES]}
          value={rule.minSeverity}
          onChange={(value) => onChange({ minSeverity: value ?? rule.minSeverity })}
          allowDeselect={false}
        />
        <NumberInput
          label="After so many minutes"
          description="Only when nobody took it; 0 is at once."
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          value={rule.afterMinutes}
          onChange={(value) => onChange({ afterMinutes: Number(value) })}
          min={0}
          max={10_080}
        />
      </div>
      <MultiSelect
        label="About"
        placeholder={rule.kinds.length === 0 ? 'Everything' : ''}
        data={[...ALERT_CHOICES]}
        value={rule.kinds}
        onChange={(kinds) => onChange({ kinds })}
        searchable
        clearable
      />
      {customers.length > 0 && (
        <MultiSelect
          label="Customers"
          placeholder={rule.customerIds.length === 0 ? 'Every customer' : ''}
          data={customers.map(({ id, name }) => ({ value: id, label: name }))}
          value={rule.customerIds}
          onChange={(customerIds) => onChange({ customerIds })}
          searchable
          clearable
          limit={100}
        />
      )}
      <Group justify="flex-end">
        <Button variant="subtle" color="gray" size="compact-sm" onClick={onRemove} aria-label={`Remove rule ${at + 1}`}>
          Remove this rule
        </Button>
      </Group>
    </fieldset>
  );
}

const FIRST_QUIET: Quiet = { from: '22:00', until: '07:00', timeZone: 'UTC', letsCriticalThrough: true };

function QuietFields({
  quiet,
  zones,
  onChange,
}: {
  quiet: ChannelRouting['quiet'];
  zones: readonly string[];
  onChange: (quiet: ChannelRouting['quiet']) => void;
}): ReactNode {
  return (
    <Stack gap="xs">
      <Checkbox
        label="Quiet hours"
        description="What comes in them is told when they end, if it is still so."
        checked={quiet !== null}
        onChange={(event) =>
          onChange(event.currentTarget.checked ? { ...FIRST_QUIET, timeZone: ownZone(zones) } : null)
        }
      />
      {quiet !== null && (
        <>
          <div className={classes.pair}>
            <TextInput
              type="time"
              label="From"
              value={quiet.from}
              onChange={(event) => onChange({ ...quiet, from: event.currentTarget.value })}
              required
              withAsterisk={false}
            />
            <TextInput
              type="time"
              label="Until"
              value={quiet.until}
              onChange={(event) => onChange({ ...quiet, until: event.currentTarget.value })}
              required
              withAsterisk={false}
            />
          </div>
          <Select
            label="By the clock of"
            data={[...zones]}
            value={quiet.timeZone}
            onChange={(value) => onChange({ ...quiet, timeZone: value ?? 'UTC' })}
            searchable
            allowDeselect={false}
            limit={100}
          />
          <Checkbox
            label="Critical ones come through"
            checked={quiet.letsCriticalThrough}
            onChange={(event) => onChange({ ...quiet, letsCriticalThrough: event.currentTarget.checked })}
          />
        </>
      )}
    </Stack>
  );
}

function DigestFields({
  digest,
  zones,
  onChange,
}: {
  digest: ChannelRouting['digest'];
  zones: readonly string[];
  onChange: (digest: ChannelRouting['digest']) => void;
}): ReactNode {
  return (
    <Stack gap="xs">
      <Checkbox
        label="Daily digest"
        description="On calm days too, and numbered: one that does not come is itself a sign."
        checked={digest !== null}
        onChange={(event) => onChange(event.currentTarget.checked ? { at: '07:30', timeZone: ownZone(zones) } : null)}
      />
      {digest !== null && (
        <div className={classes.pair}>
          <TextInput
            type="time"
            label="At"
            value={digest.at}
            onChange={(event) => onChange({ ...digest, at: event.currentTarget.value })}
            required
            withAsterisk={false}
          />
          <Select
            label="By the clock of"
            data={[...zones]}
            value={digest.timeZone}
            onChange={(value) => onChange({ ...digest, timeZone: value ?? 'UTC' })}
            searchable
            allowDeselect={false}
            limit={100}
          />
        </div>
      )}
    </Stack>
  );
}

function ownZone(zones: readonly string[]): string {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zones.includes(own) ? own : 'UTC';
}
