import Link from 'next/link';
import type { ReactNode } from 'react';
import classes from './tab-links.module.css';

export interface TabLink {
  readonly key: string;
  readonly label: string;
  readonly href: string;
  readonly count?: number;
}

/** Sections of one page as links, so that each has an address of its own and the server renders only what is shown. */
export function TabLinks({
  label,
  tabs,
  current,
}: {
  label: string;
  tabs: readonly TabLink[];
  current: string;
}): ReactNode {
  return (
    <nav aria-label={label} className={classes.tabs}>
      {tabs.map((tab) => (
        <Link
          key={tab.key}
          href={tab.href}
          scroll={false}
          prefetch={false}
          className={classes.tab}
          aria-current={tab.key === current ? 'page' : undefined}
        >
          {tab.label}
          {tab.count !== undefined && <span className={classes.count}>{tab.count}</span>}
        </Link>
      ))}
    </nav>
  );
}
