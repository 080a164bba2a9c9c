import Link from 'next/link';
import type { ReactNode } from 'react';
import classes from './data-table.module.css';

export interface Column<Row> {
  readonly key: string;
  readonly header: ReactNode;
  readonly cell: (row: Row) => ReactNode;
  readonly align?: 'end';
  /** Left out of the cards on a phone. */
  readonly isWideOnly?: boolean;
  readonly width?: string;
}

/**
 * A table that turns into cards on a phone. With `href` the first cell of each row links, and the link covers the whole row;
 * other links and buttons inside the row stay above it.
 */
export function DataTable<Row>({
  label,
  columns,
  rows,
  rowKey,
  href,
}: {
  /** Says what the table lists; for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  href?: (row: Row) => string;
}): ReactNode {
  return (
    <table className={classes.table}>
      <caption className="hf-visually-hidden">{label}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.key} scope="col" data-align={column.align} style={{ width: column.width }}>
              {column.header}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={rowKey(row)} data-links={href !== undefined || undefined}>
            {columns.map((column, index) => (
              <td
                key={column.key}
                data-align={column.align}
                data-label={typeof column.header === 'string' ? column.header : undefined}
                data-first={index === 0 || undefined}
                data-wide={column.isWideOnly || undefined}
              >
                {index === 0 && href !== undefined ? (
                  <Link href={href(row)} prefetch={false} className={classes.rowLink}>
                    {column.cell(row)}
                  </Link>
                ) : (
                  column.cell(row)
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
