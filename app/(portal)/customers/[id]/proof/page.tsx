import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { viewProof } from '../../../../../server/drills/view-proof.ts';
import type { IdProps, SearchProps } from '../../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../../_server/session.ts';
import { customerCrumbs } from '../../../../_ui/customer-crumbs.ts';
import { CustomerProof } from '../../../../_ui/customer-proof.tsx';

export const metadata: Metadata = { title: 'Proof' };

const query = z.object({ page: z.coerce.number().int().min(1).max(10_000).catch(1) });

/** A customer's proof as the customer sees it. */
export default async function CustomerProofPage({ params, searchParams }: IdProps & SearchProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const { id } = await params;
  const { page } = query.parse(await searchParams);
  const view = await orNotFound(viewProof(services, scope, id, page));
  const { customer } = view;
  return (
    <CustomerProof
      view={view}
      path={`/customers/${customer.id}/proof`}
      page={page}
      crumbs={customerCrumbs(isStaff, customer)}
    />
  );
}
