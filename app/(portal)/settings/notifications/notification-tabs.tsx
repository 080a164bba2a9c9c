import type { ReactNode } from 'react';
import { TabLinks } from '../../../_ui/tab-links.tsx';

export function NotificationTabs({
  current,
  isOwner,
}: {
  current: 'channels' | 'log' | 'mail';
  isOwner: boolean;
}): ReactNode {
  const tabs = [
    { key: 'channels', label: 'Channels', href: '/settings/notifications' },
    { key: 'log', label: 'Delivery log', href: '/settings/notifications/log' },
    ...(isOwner ? [{ key: 'mail', label: 'Mail', href: '/settings/notifications/mail' }] : []),
  ];
  return <TabLinks label="Notifications" tabs={tabs} current={current} />;
}
