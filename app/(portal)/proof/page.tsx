import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { viewProof } from '../../../server/drills/view-proof.ts';
import type { SearchProps } from '../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../_server/session.ts';
import { CustomerProof } from '../../_ui/customer-proof.tsx';

export const metadata: Metadata = { title: 'Proof' };

const query = z.object({ page: z.coerce.number().int().min(1).max(10_000).catch(1) });

/** What a customer's user is shown of the tests of their backups. Staff see it from the customer. */
export default async function ProofPage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope } = await pageScope();
  if (scope.customerId === null) notFound();
  const { page } = query.parse(await searchParams);
  const view = await orNotFound(viewProof(services, scope, scope.customerId, page));
  return <CustomerProof view={view} path="/proof" page={page} />;
}
