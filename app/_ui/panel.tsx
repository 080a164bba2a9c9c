import type { ReactNode } from 'react';
import classes from './panel.module.css';

/** A bordered surface with a title: the one container of the portal. */
export function Panel({
  title,
  note,
  actions,
  children,
  isFlush = false,
  id,
}: {
  title?: string;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** Without inner padding, for tables that reach the border. */
  isFlush?: boolean;
  id?: string;
}): ReactNode {
  const headingId = title === undefined ? undefined : `panel-${id ?? title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
  return (
    <section className={classes.panel} aria-labelledby={headingId} id={id}>
      {title !== undefined && (
        <div className={classes.head}>
          <div>
            <h2 id={headingId} className={classes.title}>
              {title}
            </h2>
            {note !== undefined && <div className={classes.note}>{note}</div>}
          </div>
          {actions}
        </div>
      )}
      <div className={isFlush ? undefined : classes.body}>{children}</div>
    </section>
  );
}
