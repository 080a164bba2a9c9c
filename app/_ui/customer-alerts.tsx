import Link from 'next/link';
import { Fragment, type ReactNode } from 'react';
import { formatCountOf } from '../../core/domain/format.ts';
import type { AlertView } from '../../server/alerts/view.ts';
import { Notice } from './notice.tsx';

/** What is open at a customer: one notice for what is said alike of several devices, with their names. */
export function CustomerAlerts({
  alerts,
  devices,
}: {
  alerts: readonly AlertView[];
  devices: readonly { readonly id: string; readonly name: string }[];
}): ReactNode {
  const groups = Map.groupBy(alerts, ({ severity, title, message }) => JSON.stringify([severity, title, message]));
  const nameOf = new Map(devices.map(({ id, name }) => [id, name]));
  return [...groups.values()].map((group) => {
    const [first] = group;
    const named = group
      .flatMap(({ id, deviceId }) =>
        deviceId === null ? [] : [{ id, deviceId, name: nameOf.get(deviceId) ?? 'a device' }],
      )
      .toSorted((a, b) => a.name.localeCompare(b.name));
    if (first === undefined) return null;
    return (
      <Notice
        key={first.id}
        tone={first.severity === 'info' ? 'calm' : first.severity}
        title={named.length > 1 ? `${first.title}: ${formatCountOf(named.length, 'device')}` : first.title}
        actions={named.length === 1 ? <Link href={`/devices/${named[0]!.deviceId}`}>Show the device</Link> : undefined}
      >
        {first.message}
        {named.length > 1 && (
          <>
            {' '}
            {named.map(({ id, deviceId, name }, at) => (
              <Fragment key={id}>
                {at > 0 && ', '}
                {/* Underlined: in a sentence, colour alone does not say that it is a link. */}
                <Link href={`/devices/${deviceId}`} style={{ textDecoration: 'underline' }}>
                  {name}
                </Link>
              </Fragment>
            ))}
          </>
        )}
      </Notice>
    );
  });
}
