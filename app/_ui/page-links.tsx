import Link from 'next/link';
import type { ReactNode } from 'react';
import { formatCountOf } from '../../core/domain/format.ts';
import classes from './page-links.module.css';

/** Where in a long list one is, with the way to the next page and the one before. Nothing where all of it is shown. */
export function PageLinks({
  path,
  query = {},
  parameter,
  page,
  rows,
  total,
  unit,
}: {
  path: string;
  /** What else stands in the address; empty values are left out. */
  query?: Readonly<Record<string, string>>;
  parameter: string;
  page: number;
  /** Of one page. */
  rows: number;
  total: number;
  unit: string;
}): ReactNode {
  const last = Math.max(1, Math.ceil(total / rows));
  if (last === 1 && page === 1) return null;
  const link = (to: number): string => {
    const set = Object.entries({ ...query, [parameter]: to === 1 ? '' : String(to) }).filter(
      ([, value]) => value !== '',
    );
    return set.length === 0 ? path : `${path}?${new URLSearchParams(set)}`;
  };
  return (
    <nav aria-label={`Pages of ${unit}s`} className={classes.pages}>
      <span>
        {formatCountOf(total, unit)}, page {page} of {last}
      </span>
      {page > 1 && (
        <Link href={link(Math.min(page - 1, last))} scroll={false}>
          Previous
        </Link>
      )}
      {page < last && (
        <Link href={link(page + 1)} scroll={false}>
          Next
        </Link>
      )}
    </nav>
  );
}
