'use client';
import { Button, Checkbox, Popover, SegmentedControl, Select, Stack } from '@mantine/core';
import { IconColumns3, IconDownload, IconFilterOff } from '@tabler/icons-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState, useTransition } from 'react';
import { ownName } from '../../../core/domain/fleet-filter/own-fields.ts';
import { type AnyColumn, FLEET_COLUMNS, readColumns } from '../../../core/domain/fleet-filter/columns.ts';
import { DAY_RULES, type DayRule, readDayRule } from '../../../core/domain/fleet-filter/day-rule.ts';
import type { FleetFilter } from '../../../core/domain/fleet-filter/filter.ts';
import type { SortName } from '../../../core/domain/fleet-filter/fields.ts';
import { printFilter } from '../../../core/domain/fleet-filter/print-filter.ts';
import type { FleetFacets, FleetNames, FleetPage, FleetViewLine, OwnField } from '../../../server/fleet/view.ts';
import { EmptyState } from '../../_ui/empty-state.tsx';
import { formatCountOf } from '../../../core/domain/format.ts';
import { Panel } from '../../_ui/panel.tsx';
import { FacetBar } from './facet-bar.client.tsx';
import { exportHref, type FleetAddress, fleetHref } from './fleet-address.ts';
import classes from './fleet-board.module.css';
import { COLUMN_LOOKS } from './fleet-columns.tsx';
import { FleetTable } from './fleet-table.client.tsx';
import { FilterField } from './filter-field.client.tsx';
import { OwnFieldsDialog } from './own-fields-dialog.client.tsx';
import { ViewMenu } from './view-menu.client.tsx';

/** What a filter that can be read lets through. */
export interface FleetAnswer {
  readonly filter: FleetFilter;
  readonly page: FleetPage;
  readonly facets: FleetFacets;
}

/** The list with all that changes it; every change is a new address, so that it can be bookmarked and sent. */
export function FleetBoard({
  address,
  answer,
  views,
  names,
  mayDefine,
}: {
  address: FleetAddress;
  /** Null: the filter of the address cannot be read; the field says why. */
  answer: FleetAnswer | null;
  views: readonly FleetViewLine[];
  names: FleetNames;
  /** May define columns. */
  mayDefine: boolean;
}): ReactNode {
  const router = useRouter();
  const [isPending, startTransition] = useTransition();
  const show = (change: Partial<FleetAddress>): void =>
    startTransition(() => router.replace(fleetHref({ ...address, ...change }), { scroll: false }));
  const showFilter = (filter: FleetFilter): void => show({ filter: printFilter(filter) });
  const sortBy = (by: SortName): void => {
    if (answer === null) return;
    const { sort } = answer.filter;
    const isDescending = (sort?.by ?? 'status') === by && sort?.isDescending !== true;
    showFilter({ ...answer.filter, sort: by === 'status' && !isDescending ? null : { by, isDescending } });
  };
  return (
    <>
      <div className={classes.tools}>
        <FilterField filter={address.filter} names={names} onFilter={(filter) => show({ filter })} />
        <div className={classes.actions}>
          <ViewMenu views={views} address={address} onShow={show} />
          <ColumnMenu address={address} own={names.own} mayDefine={mayDefine} onShow={show} />
          <Button component="a" href={exportHref(address)} variant="default" leftSection={<IconDownload size={15} />}>
            CSV
          </Button>
        </div>
      </div>
      {answer !== null && <FacetBar facets={answer.facets} filter={answer.filter} onFilter={showFilter} />}
      <div aria-busy={isPending} className={classes.list}>
        {answer === null || answer.facets.total === 0 ? (
          <Panel>
            <EmptyState
              icon={<IconFilterOff size={24} />}
              title={answer === null ? 'This filter cannot be read' : 'No device matches this filter'}
              actions={<Link href={fleetHref({ ...address, filter: '' })}>Show all devices</Link>}
            />
          </Panel>
        ) : (
          <>
            <p className={classes.total} role="status">
              {formatCountOf(answer.facets.total, 'device')}
            </p>
            <Panel isFlush>
              <FleetTable
                key={address.filter}
                first={answer.page}
                filter={address.filter}
                sort={answer.filter.sort}
                total={answer.facets.total}
                columns={address.columns}
                own={names.own}
                density={address.density}
                dayRule={address.dayRule}
                onSort={sortBy}
              />
            </Panel>
          </>
        )}
      </div>
    </>
  );
}

const DAY_RULE_WORDS: Readonly<Record<DayRule, string>> = {
  each: 'each of them',
  worst: 'the worst',
  last: 'the last',
  best: 'the best',
  mixed: 'a warning if they differ',
};

function ColumnMenu({
  address,
  own,
  mayDefine,
  onShow,
}: {
  address: FleetAddress;
  own: readonly OwnField[];
  mayDefine: boolean;
  onShow: (change: Partial<FleetAddress>) => void;
}): ReactNode {
  const { columns, density, dayRule } = address;
  const [isDefining, setDefining] = useState(false);
  const all: readonly { readonly column: AnyColumn; readonly label: string }[] = [
    ...FLEET_COLUMNS.map((column) => ({ column, label: COLUMN_LOOKS[column].header })),
    ...own.map(({ key, label }) => ({ column: ownName(key), label })),
  ];
  return (
    <>
      <Popover position="bottom-end" shadow="sm" trapFocus>
        <Popover.Target>
          <Button variant="default" leftSection={<IconColumns3 size={15} />}>
            Columns
          </Button>
        </Popover.Target>
        <Popover.Dropdown className={classes.columns}>
          <Stack gap={8}>
            <SegmentedControl
              size="xs"
              aria-label="Height of rows"
              value={density}
              data={[
                { value: 'comfortable', label: 'Comfortable' },
                { value: 'compact', label: 'Compact' },
              ]}
              onChange={(value) => onShow({ density: value === 'compact' ? 'compact' : 'comfortable' })}
            />
            <Select
              size="xs"
              label="A day with several backups shows"
              value={dayRule}
              data={DAY_RULES.map((rule) => ({ value: rule, label: DAY_RULE_WORDS[rule] }))}
              onChange={(value) => onShow({ dayRule: readDayRule(value) })}
              allowDeselect={false}
              comboboxProps={{ withinPortal: false }}
            />
            {all.map(({ column, label }) => (
              <Checkbox
                key={column}
                size="sm"
                label={label}
                checked={columns.includes(column)}
                onChange={() =>
                  onShow({
                    columns: readColumns(
                      columns.includes(column) ? columns.filter((one) => one !== column) : [...columns, column],
                    ),
                  })
                }
              />
            ))}
            {mayDefine && (
              <Button size="compact-sm" variant="default" onClick={() => setDefining(true)}>
                Columns of your own…
              </Button>
            )}
          </Stack>
        </Popover.Dropdown>
      </Popover>
      {isDefining && <OwnFieldsDialog fields={own} onClose={() => setDefining(false)} />}
    </>
  );
}
