import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import type { ReactNode } from 'react';
import { viewMailSender } from '../../../../../server/delivery/queries.ts';
import { staffScope } from '../../../../_server/session.ts';
import { PageHeader } from '../../../../_ui/page-header.tsx';
import { Panel } from '../../../../_ui/panel.tsx';
import { NotificationTabs } from '../notification-tabs.tsx';
import { MailSenderForm } from './mail-sender-form.client.tsx';

export const metadata: Metadata = { title: 'Mail' };

export default async function MailPage(): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  if (scope.role !== 'owner') notFound();
  const sender = await viewMailSender(services, scope);
  const isReady = sender.hasOwnServer || sender.operatorsAddress !== null;
  return (
    <>
      <PageHeader
        crumbs={[{ label: 'Notifications', href: '/settings/notifications' }]}
        eyebrow="Mail"
        sentence={
          isReady ? `Mail comes from ${sender.fromName}.` : 'No mail can be sent yet: there is no server for it.'
        }
        support="Your customers see your name and your logo. Servers are called by TLS alone."
      />
      <NotificationTabs current="mail" isOwner />
      <Panel title="From whom, and through which server">
        <MailSenderForm sender={sender} />
      </Panel>
    </>
  );
}
