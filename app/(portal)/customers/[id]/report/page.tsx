import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { monthOf } from '../../../../../core/domain/calendar.ts';
import { buildMonthReport } from '../../../../../server/reports/build-month-report.ts';
import { zoneOfCustomer } from '../../../../../server/sla/zone-of-customer.ts';
import { monthQuery } from '../../../../_server/month-query.ts';
import type { IdProps, SearchProps } from '../../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../../_server/session.ts';
import { MonthReportPage } from '../../../../_ui/month-report-page.tsx';

export const metadata: Metadata = { title: 'Report' };

/** A customer's month as its report says it: before it is closed a preview. */
export default async function CustomerReportPage({ params, searchParams }: IdProps & SearchProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const { id } = await params;
  const asked = monthQuery.parse(await searchParams);
  const timeZone = await orNotFound(zoneOfCustomer(services, scope, id));
  const month = asked.month ?? monthOf(services.clock.nowMs(), timeZone);
  const report = await orNotFound(buildMonthReport(services, scope, id, month));
  return (
    <MonthReportPage
      report={report}
      customerId={id}
      crumbs={[{ label: 'Reports', href: isStaff ? `/reports?month=${month}` : '/reports' }]}
    />
  );
}
