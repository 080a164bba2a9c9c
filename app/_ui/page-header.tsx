import Link from 'next/link';
import type { ReactNode } from 'react';
import classes from './page-header.module.css';

export interface Crumb {
  readonly label: string;
  readonly href: string;
}

/** Every screen opens with one sentence that answers its question; the trail above says where we are. */
export function PageHeader({
  crumbs = [],
  eyebrow,
  sentence,
  support,
  badge,
  actions,
}: {
  crumbs?: readonly Crumb[];
  eyebrow: string;
  sentence: string;
  support?: ReactNode;
  badge?: ReactNode;
  actions?: ReactNode;
}): ReactNode {
  return (
    <header className={classes.header}>
      <div className={classes.main}>
        <nav aria-label="You are here" className={classes.trail}>
          {crumbs.map((crumb) => (
            <span key={crumb.href}>
              <Link href={crumb.href} prefetch={false}>
                {crumb.label}
              </Link>
              <span aria-hidden="true" className={classes.slash}>
                /
              </span>
            </span>
          ))}
          <span aria-current="page">{eyebrow}</span>
        </nav>
        {badge !== undefined && <div className={classes.badge}>{badge}</div>}
        <h1 className={classes.sentence}>{sentence}</h1>
        {support !== undefined && <div className={classes.support}>{support}</div>}
      </div>
      {actions !== undefined && <div className={classes.actions}>{actions}</div>}
    </header>
  );
}
