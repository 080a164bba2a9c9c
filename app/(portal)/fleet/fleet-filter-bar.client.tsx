'use client';
import { Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { usePathname, useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { PROTECTION_STATES } from '../../../core/domain/outcome.ts';
import type { CustomerChoice } from '../../../server/fleet/view.ts';
import { PROTECTION_WORDS } from '../../_ui/state-words.ts';
import classes from './fleet-filter-bar.module.css';

/** Filters live in the address, so that a view can be bookmarked and sent. */
export function FleetFilterBar({
  text,
  customerId,
  state,
  customers,
  states,
}: {
  text: string;
  customerId: string | null;
  state: string | null;
  customers: readonly CustomerChoice[];
  states: Readonly<Record<string, number>>;
}): ReactNode {
  const router = useRouter();
  const path = usePathname();
  const [typed, setTyped] = useState(text);

  const show = (change: { text?: string; customer?: string | null; state?: string | null }): void => {
    const wanted = { text: typed, customer: customerId, state, ...change };
    const set = Object.entries(wanted).flatMap(([key, value]) =>
      value === null || value === '' ? [] : [[key, value]],
    );
    router.replace(set.length === 0 ? path : `${path}?${new URLSearchParams(set)}`, { scroll: false });
  };
  const showText = useDebouncedCallback((value: string) => show({ text: value }), 250);

  return (
    <search className={classes.bar} aria-label="Filter devices">
      <TextInput
        aria-label="Device or customer"
        placeholder="Device or customer"
        leftSection={<IconSearch size={16} />}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          showText(event.currentTarget.value);
        }}
        className={classes.text}
      />
      <Select
        aria-label="Customer"
        placeholder="Every customer"
        clearable
        searchable
        value={customerId}
        data={customers.map((customer) => ({ value: customer.id, label: customer.name }))}
        onChange={(value) => show({ customer: value })}
      />
      <Select
        aria-label="State"
        placeholder="Every state"
        clearable
        value={state}
        data={PROTECTION_STATES.map((one) => ({
          value: one,
          label: `${PROTECTION_WORDS[one].word} (${states[one] ?? 0})`,
          disabled: (states[one] ?? 0) === 0 && one !== state,
        }))}
        onChange={(value) => show({ state: value })}
      />
    </search>
  );
}
