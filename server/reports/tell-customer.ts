import { monthWords } from '../../core/domain/sla/sla-words.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { publishNotification } from '../delivery/publish.ts';
import type { Services } from '../services.ts';

export interface ApprovedReport {
  readonly id: string;
  readonly customerId: string;
  readonly customer: string;
  readonly month: string;
  readonly revision: number;
}

/** Under which the deliveries of a report are found. */
export const reportSubject = (reportId: string): string => `report:${reportId}`;

/**
 * Mails a customer that its report is there, through each mail channel of its own, in the transaction of the approval: what is
 * not committed is told to nobody, and a channel is told of a revision once. The paper stays behind the sign-in.
 */
export async function tellCustomer(
  services: Pick<Services, 'clock'>,
  tx: Tx,
  scope: Scope,
  { id, customerId, customer, month, revision }: ApprovedReport,
): Promise<void> {
  const channels = await tx.notificationChannel.findMany({
    where: { tenantId: scope.tenantId, customerId, kind: 'email', removedAt: null, disabledAt: null },
    select: { id: true },
    orderBy: { id: 'asc' },
  });
  const replaces =
    revision === 1
      ? ''
      : ' It replaces the one that you have: figures of the month were corrected, and each is listed.';
  for (const channel of channels)
    await publishNotification(
      services,
      tx,
      scope,
      {
        tenantId: scope.tenantId,
        customerId,
        sourceKey: `${reportSubject(id)}:${channel.id}`,
        subjectKey: reportSubject(id),
        transition: 'notice',
        severity: 'info',
        kind: 'report',
        subjectName: customer,
        title: `Your service report of ${monthWords(month)}`,
        message: `The report says how far your data could be restored in ${monthWords(month)}, and what proves it.${replaces} Sign in to read or download it.`,
        path: '/reports',
        atMs: services.clock.nowMs(),
      },
      { onlyChannelId: channel.id },
    );
}
