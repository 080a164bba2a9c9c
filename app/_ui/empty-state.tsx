import type { ReactNode } from 'react';
import classes from './empty-state.module.css';

/** An empty screen explains what will be here and offers the next step. */
export function EmptyState({
  icon,
  title,
  children,
  actions,
  isPage = false,
}: {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
  isPage?: boolean;
}): ReactNode {
  const Title = isPage ? 'h1' : 'p';
  return (
    <div className={classes.empty} data-page={isPage || undefined}>
      {icon !== undefined && (
        <div className={classes.icon} aria-hidden="true">
          {icon}
        </div>
      )}
      <Title className={classes.title}>{title}</Title>
      {children !== undefined && <div className={classes.text}>{children}</div>}
      {actions !== undefined && <div className={classes.actions}>{actions}</div>}
    </div>
  );
}
