import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { listEnrolmentChoices } from '../../../../server/fleet/queries.ts';
import { staffScope } from '../../../_server/session.ts';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { EnrolForm } from './enrol-form.client.tsx';

export const metadata: Metadata = { title: 'Add a device' };

export default async function EnrolPage(): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const customers = await listEnrolmentChoices(services, scope);
  return (
    <>
      <PageHeader
        crumbs={[{ label: 'Fleet', href: '/fleet' }]}
        eyebrow="Add a device"
        sentence="One token and one command put a machine under protection."
        support="The token works once and for 24 hours. The machine makes its own key; no password or cloud credential ever reaches it."
      />
      <EnrolForm customers={customers} />
    </>
  );
}
