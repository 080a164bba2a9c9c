import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { AGENT_DRILL_MS } from './order-agent-drill.ts';
import { voidDrill } from './void-drill.ts';

const WORDS = {
  agent: 'The machine did not make the restore test within a day: it was off, or busy with backups. It is asked again.',
  kit: 'The result of the test with the recovery kit was not sent within a day.',
} as const;

/** Drills outside of the service whose answer did not come: they prove nothing, and others are made. Repeatable. */
export async function expireAgentDrills(services: Services, scope: Scope): Promise<void> {
  const { tenantId } = scope;
  const before = new Date(services.clock.nowMs() - AGENT_DRILL_MS);
  const drills = await withScope(services, scope, async (tx) => {
    const late = await tx.drill.findMany({
      where: { tenantId, runner: { not: 'service' }, state: { in: ['queued', 'running'] }, createdAt: { lt: before } },
      select: { id: true, runner: true },
    });
    // The machine hears no more of these; what it does all the same finds its drill closed.
    for (const { id } of late)
      await tx.agentCommand.updateMany({
        where: {
          tenantId,
          kind: 'drill',
          state: { in: ['pending', 'delivered'] },
          payload: { path: ['drillId'], equals: id },
        },
        data: { state: 'expired', finishedAt: new Date(services.clock.nowMs()) },
      });
    return late;
  });
  for (const { id, runner } of drills) await voidDrill(services, scope, id, runner === 'kit' ? WORDS.kit : WORDS.agent);
}
