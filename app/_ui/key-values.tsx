import type { ReactNode } from 'react';
import classes from './key-values.module.css';

export interface KeyValue {
  readonly key: string;
  readonly value: ReactNode;
}

/** Facts in two columns: name and value. */
export function KeyValues({ items }: { items: readonly KeyValue[] }): ReactNode {
  return (
    <dl className={classes.list}>
      {items.map((item) => (
        <div key={item.key} className={classes.pair}>
          <dt className={classes.key}>{item.key}</dt>
          <dd className={classes.value}>{item.value}</dd>
        </div>
      ))}
    </dl>
  );
}
