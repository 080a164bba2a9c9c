import { IconAlertTriangleFilled, IconInfoCircle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './notice.module.css';

/** A banner: what happened, what it means for the data, what to do. `risk` only where data is at risk. */
export function Notice({
  tone,
  title,
  children,
  actions,
}: {
  tone: 'risk' | 'warn' | 'calm';
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
}): ReactNode {
  return (
    <div className={classes.notice} data-tone={tone} role={tone === 'risk' ? 'alert' : 'status'}>
      <span className={classes.icon} aria-hidden="true">
        {tone === 'calm' ? <IconInfoCircle size={18} /> : <IconAlertTriangleFilled size={18} />}
      </span>
      <div className={classes.text}>
        <p className={classes.title}>{title}</p>
        {children !== undefined && <div>{children}</div>}
      </div>
      {actions}
    </div>
  );
}
