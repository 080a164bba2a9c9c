'use client';
import { useMediaQuery } from '@mantine/hooks';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import Link from 'next/link';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { DayRule } from '../../../core/domain/fleet-filter/day-rule.ts';
import type { AnyColumn, Density } from '../../../core/domain/fleet-filter/columns.ts';
import type { SortName } from '../../../core/domain/fleet-filter/fields.ts';
import type { FilterSort } from '../../../core/domain/fleet-filter/filter.ts';
import type { FleetPage, FleetRow, OwnField } from '../../../server/fleet/view.ts';
import table from '../../_ui/data-table.module.css';
import { BarPatterns } from '../../_ui/occurrence-bar.client.tsx';
import { getJson } from '../../_ui/post-json.ts';
import { lookOf } from './fleet-columns.tsx';
import classes from './fleet-table.module.css';

/** Before a row was measured. */
const ROW_PIXELS = { comfortable: 57, compact: 43, card: 250 } as const;
const DEVICE_WIDTH = 170;

/**
 * Ten thousand devices, of which the browser holds what is on the screen: rows are drawn as they come into view, and the
 * next page is asked for before its first row does. `filter` is the text of the address; a new one is a new list.
 */
export function FleetTable({
  first,
  filter,
  sort,
  total,
  columns,
  own,
  density,
  dayRule,
  onSort,
}: {
  first: FleetPage;
  filter: string;
  sort: FilterSort | null;
  total: number;
  columns: readonly AnyColumn[];
  own: readonly OwnField[];
  density: Density;
  dayRule: DayRule;
  onSort: (by: SortName) => void;
}): ReactNode {
  const { rows, hasMore, problem, loadMore, retry } = usePages(first, filter);
  const isPhone = useMediaQuery('(max-width: 48em)') ?? false;
  const anchor = useRef<HTMLTableElement>(null);
  const [margin, setMargin] = useState(0);
  useEffect(() => {
    const measure = (): void => setMargin((anchor.current?.getBoundingClientRect().top ?? 0) + window.scrollY);
    measure();
    window.addEventListener('resize', measure);
    return () => window.removeEventListener('resize', measure);
  }, []);
  // oxlint-disable-next-line react/incompatible-library -- the compiler skips this component, which is right: the virtualizer changes by itself
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => (isPhone ? ROW_PIXELS.card : ROW_PIXELS[density]),
    overscan: 8,
    scrollMargin: margin,
    getItemKey: (index) => rows[index]?.id ?? index,
    // What the server draws, and the browser until it knows its height.
    initialRect: { width: 1200, height: 900 },
  });
  const items = virtualizer.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && lastShown >= rows.length - 15) loadMore();
  }, [hasMore, lastShown, rows.length, loadMore]);

  const before = (items[0]?.start ?? margin) - margin;
  const after = virtualizer.getTotalSize() - ((items.at(-1)?.end ?? margin) - margin);
  const looks = columns.flatMap((column) => {
    const look = lookOf(column, own);
    return look === undefined ? [] : [{ column, ...look }];
  });
  return (
    <div className={classes.scroll} data-density={density}>
      <BarPatterns />
      <table
        ref={anchor}
        className={`${table.table} ${classes.table}`}
        style={{ minWidth: DEVICE_WIDTH + looks.reduce((sum, { width }) => sum + width, 0) }}
        aria-rowcount={total + 1}
      >
        <caption className="hf-visually-hidden">Devices; {total} match the filter</caption>
        <colgroup>
          <col style={{ width: DEVICE_WIDTH }} />
          {looks.map(({ column, width }) => (
            <col key={column} style={{ width }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            <SortHeader label="Device" by="name" sort={sort} onSort={onSort} />
            {looks.map(({ column, header, sort: by }) => (
              <SortHeader key={column} label={header} by={by} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Spacer height={before} columns={looks.length + 1} />}
          {items.map(({ index, key }) => {
            const row = rows[index];
            if (row === undefined) return null;
            const clock = { nowMs: first.nowMs, timeZone: row.timeZone };
            return (
              <tr key={key} ref={virtualizer.measureElement} data-index={index} data-links aria-rowindex={index + 2}>
                <td data-first>
                  <Link href={`/devices/${row.id}`} prefetch={false} className={`${table.rowLink} ${classes.device}`}>
                    {row.name}
                    {!columns.includes('customer') && <span className={classes.customer}>{row.customerName}</span>}
                  </Link>
                </td>
                {looks.map(({ column, header, cell }) => (
                  <td key={column} data-label={header} data-column={column}>
                    {cell(row, clock, dayRule)}
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 && <Spacer height={after} columns={looks.length + 1} />}
        </tbody>
      </table>
      {problem !== null && (
        <p role="alert" className={classes.problem}>
          {problem} <button onClick={retry}>Try again</button>
        </p>
      )}
    </div>
  );
}

/** Exactly as many columns as there are: more would be columns of their own, which take room. */
function Spacer({ height, columns }: { height: number; columns: number }): ReactNode {
  return (
    <tr aria-hidden="true" className={classes.spacer}>
      <td style={{ height }} colSpan={columns}>
        {' '}
      </td>
    </tr>
  );
}

function SortHeader({
  label,
  by,
  sort,
  onSort,
}: {
  label: string;
  by: SortName | null;
  sort: FilterSort | null;
  onSort: (by: SortName) => void;
}): ReactNode {
  if (by === null) return <th scope="col">{label}</th>;
  const isSorted = (sort?.by ?? 'status') === by;
  const isDescending = isSorted && sort?.isDescending === true;
  return (
    <th scope="col" aria-sort={isSorted ? (isDescending ? 'descending' : 'ascending') : undefined}>
      <button className={classes.sort} data-sorted={isSorted || undefined} onClick={() => onSort(by)}>
        {label}
        {isSorted && (isDescending ? <IconArrowDown size={13} aria-hidden /> : <IconArrowUp size={13} aria-hidden />)}
      </button>
    </th>
  );
}

interface Pages {
  readonly rows: readonly FleetRow[];
  readonly hasMore: boolean;
  readonly problem: string | null;
  readonly loadMore: () => void;
  readonly retry: () => void;
}

/** The first page comes with the page itself and is renewed with it; further ones are asked for. */
function usePages(first: FleetPage, filter: string): Pages {
  const [more, setMore] = useState<readonly FleetPage[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  const isLoading = useRef(false);
  const next = (more.at(-1) ?? first).next;
  const load = (): void => {
    if (isLoading.current || next === null) return;
    isLoading.current = true;
    const query = new URLSearchParams({ filter, after: next });
    void getJson<FleetPage>(`/api/fleet?${query}`).then((answer) => {
      isLoading.current = false;
      if (answer.ok) setMore((pages) => [...pages, answer.value]);
      else setProblem(answer.message);
    });
  };
  // Lights change between two loads: a device that moved from a later page to the first one is shown there alone.
  const seen = new Set<string>();
  const rows = [first, ...more]
    .flatMap((page) => page.rows)
    .filter(({ id }) => {
      if (seen.has(id)) return false;
      seen.add(id);
      return true;
    });
  return {
    rows,
    hasMore: next !== null && problem === null,
    problem,
    loadMore: load,
    retry: () => {
      setProblem(null);
      load();
    },
  };
}
