'use client';
import { Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { usePathname, useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import classes from './filter-bar.module.css';

export interface FilterChoice {
  /** Its name in the address. */
  readonly key: string;
  readonly label: string;
  /** Shown when nothing is chosen: "Every customer". */
  readonly all: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  /** Lists that grow with the provider are searched. */
  readonly isLong?: boolean;
}

/**
 * A text and some choices over a list. They live in the address, so that a view can be bookmarked and sent; what the filter
 * holds besides (a tab) stays as it is, and the page number is forgotten.
 */
export function FilterBar({
  label,
  textLabel,
  filter,
  choices,
}: {
  label: string;
  textLabel: string;
  filter: Readonly<Record<string, string | null>> & { readonly text: string };
  choices: readonly FilterChoice[];
}): ReactNode {
  const router = useRouter();
  const path = usePathname();
  const [typed, setTyped] = useState(filter.text);
  const show = (change: Readonly<Record<string, string | null>>): void => {
    const set = Object.entries({ ...filter, text: typed, ...change }).flatMap(([key, value]) =>
      value === null || value === '' ? [] : [[key, value]],
    );
    router.replace(set.length === 0 ? path : `${path}?${new URLSearchParams(set)}`, { scroll: false });
  };
  const showText = useDebouncedCallback((text: string) => show({ text }), 250);
  return (
    <search className={classes.bar} aria-label={label}>
      <TextInput
        aria-label={textLabel}
        placeholder={textLabel}
        leftSection={<IconSearch size={16} />}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          showText(event.currentTarget.value);
        }}
        className={classes.text}
      />
      {choices.map(({ key, label: name, all, options, isLong = false }) => (
        <Select
          key={key}
          aria-label={name}
          placeholder={all}
          clearable
          searchable={isLong}
          value={filter[key] ?? null}
          data={[...options]}
          onChange={(value) => show({ [key]: value })}
          className={classes.choice}
        />
      ))}
    </search>
  );
}
