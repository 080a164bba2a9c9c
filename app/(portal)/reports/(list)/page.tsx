import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { listOwnReports, listReports } from '../../../../server/reports/list-reports.ts';
import { monthQuery } from '../../../_server/month-query.ts';
import type { SearchProps } from '../../../_server/page-props.ts';
import { pageScope } from '../../../_server/session.ts';
import { OwnReports } from './own-reports.tsx';
import { ReportsBoard } from './reports-board.tsx';

export const metadata: Metadata = { title: 'Reports' };

const pageQuery = z.object({ page: z.coerce.number().int().min(1).max(10_000).catch(1) });

/** Staff see every customer's reports of a month; a customer's user sees their own of every month. */
export default async function ReportsPage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope } = await pageScope();
  if (scope.customerId !== null) {
    const reports = await listOwnReports(services, scope, scope.customerId);
    return <OwnReports reports={reports} customerId={scope.customerId} />;
  }
  const asked = await searchParams;
  const { month } = monthQuery.parse(asked);
  const { page } = pageQuery.parse(asked);
  return <ReportsBoard view={await listReports(services, scope, { month, page })} page={page} />;
}
