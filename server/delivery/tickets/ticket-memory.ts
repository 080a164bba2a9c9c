import { withScope } from '../../db/with-scope.ts';
import type { Claim } from '../../jobs/claims.ts';
import type { Services } from '../../services.ts';
import type { TicketMemory } from './send-ticket.ts';

/** Tickets of one channel, in the database; every write under the fence of the job. */
export function ticketMemory(services: Services, claim: Claim, channelId: string): TicketMemory {
  const { tenantId } = claim.scope;
  return {
    find: async (subjectKey) =>
      await withScope(services, claim.scope, async (tx) => {
        const row = await tx.externalTicket.findFirst({ where: { tenantId, channelId, subjectKey } });
        if (row === null) return undefined;
        const openSubjects = await tx.externalTicket.count({
          where: { tenantId, channelId, reference: row.reference, closedAt: null },
        });
        return { reference: row.reference, ticketId: row.ticketId, isClosed: row.closedAt !== null, openSubjects };
      }),
    remember: async (subjectKeys, reference, customerId) =>
      await withScope(services, claim.scope, async (tx) => {
        await claim.guard(tx);
        await tx.$executeRaw`
          INSERT INTO external_ticket (tenant_id, channel_id, subject_key, customer_id, reference, opened_at)
          SELECT ${tenantId}::uuid, ${channelId}::uuid, s, ${customerId}::uuid, ${reference}, ${new Date(services.clock.nowMs())}
          FROM unnest(${[...subjectKeys]}::text[]) AS s
          ON CONFLICT (tenant_id, channel_id, subject_key) DO UPDATE
            SET reference = excluded.reference, ticket_id = NULL, opened_at = excluded.opened_at, closed_at = NULL`;
      }),
    opened: async (reference, ticketId) =>
      await withScope(services, claim.scope, async (tx) => {
        await claim.guard(tx);
        await tx.externalTicket.updateMany({ where: { tenantId, channelId, reference }, data: { ticketId } });
      }),
    subjectOver: async (subjectKey) =>
      await withScope(services, claim.scope, async (tx) => {
        await claim.guard(tx);
        await tx.externalTicket.updateMany({
          where: { tenantId, channelId, subjectKey, closedAt: null },
          data: { closedAt: new Date(services.clock.nowMs()) },
        });
        const row = await tx.externalTicket.findFirst({ where: { tenantId, channelId, subjectKey } });
        if (row === null) return 0;
        return await tx.externalTicket.count({
          where: { tenantId, channelId, reference: row.reference, closedAt: null },
        });
      }),
  };
}
