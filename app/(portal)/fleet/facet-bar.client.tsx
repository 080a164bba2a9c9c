'use client';
import { Button, Checkbox, Popover, Stack } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { chosenWords, toggleWord } from '../../../core/domain/fleet-filter/facet-terms.ts';
import type { FleetFilter } from '../../../core/domain/fleet-filter/filter.ts';
import type { OccurrenceOutcome, ProtectionState } from '../../../core/domain/outcome.ts';
import type { FacetField, FleetFacets } from '../../../server/fleet/view.ts';
import { formatCount } from '../../../core/domain/format.ts';
import { OCCURRENCE_WORDS, PROTECTION_WORDS } from '../../_ui/state-words.ts';
import { StatusShape } from '../../_ui/status-badge.tsx';
import classes from './facet-bar.module.css';

const MENUS: readonly { readonly field: FacetField; readonly label: string }[] = [
  { field: 'last', label: 'Last backup' },
  { field: 'customer', label: 'Customer' },
  { field: 'policy', label: 'Policy' },
  { field: 'tag', label: 'Tag' },
  { field: 'os', label: 'System' },
];

/** Lights with their counts, each a click away; and menus for the rest. What is chosen becomes part of the filter's text. */
export function FacetBar({
  facets,
  filter,
  onFilter,
}: {
  facets: FleetFacets;
  filter: FleetFilter;
  onFilter: (filter: FleetFilter) => void;
}): ReactNode {
  const states = chosenWords(filter, 'status');
  return (
    <div className={classes.bar} role="group" aria-label="Narrow down">
      {facets.fields.status.map(({ word, count }) => {
        const look = PROTECTION_WORDS[word as ProtectionState];
        return (
          <button
            key={word}
            className={classes.chip}
            data-tone={look.tone}
            aria-pressed={states.includes(word)}
            title={look.meaning}
            onClick={() => onFilter(toggleWord(filter, 'status', word))}
          >
            <StatusShape shape={look.shape} size={14} />
            {look.word}
            <span className={classes.count}>{formatCount(count)}</span>
          </button>
        );
      })}
      {MENUS.map(({ field, label }) => {
        const words = facets.fields[field];
        const chosen = chosenWords(filter, field);
        if (words.length === 0) return null;
        return (
          <Popover key={field} position="bottom-start" shadow="sm" trapFocus>
            <Popover.Target>
              <Button
                size="compact-sm"
                variant={chosen.length > 0 ? 'light' : 'default'}
                rightSection={<IconChevronDown size={14} />}
              >
                {label}
                {chosen.length > 0 && `: ${chosen.length}`}
              </Button>
            </Popover.Target>
            <Popover.Dropdown>
              <Stack gap={8}>
                {words.map(({ word, label: name, count }) => (
                  <Checkbox
                    key={word}
                    size="sm"
                    label={`${field === 'last' ? OCCURRENCE_WORDS[name as OccurrenceOutcome].word : name} (${formatCount(count)})`}
                    checked={chosen.includes(word)}
                    onChange={() => onFilter(toggleWord(filter, field, word))}
                  />
                ))}
              </Stack>
            </Popover.Dropdown>
          </Popover>
        );
      })}
    </div>
  );
}
