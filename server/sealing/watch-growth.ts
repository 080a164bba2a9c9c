import {
  figuresByDay,
  GROWTH_TIMES,
  growthSignals,
  isGrowthUnusual,
  ransomwareSign,
} from '../../core/domain/alerts/growth.ts';
import { openAlert } from '../alerts/open-alert.ts';
import { settleRules } from '../alerts/settle-rules.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import type { SealWork } from './load-seal.ts';

const DAY_MS = 86_400_000;

/**
 * Compares the day that the sealed backup belongs to with the four weeks before it. Its point is written already. An unusual
 * day closes its alert when the next one is usual; what looks like encryption stays until a person has looked.
 */
export async function watchGrowth(services: Services, change: Change, { run }: SealWork): Promise<void> {
  const nowMs = services.clock.nowMs();
  const points = await change.tx.restorePoint.findMany({
    where: {
      tenantId: run.tenantId,
      sourceId: run.sourceId,
      sealedAt: { gte: new Date(nowMs - (GROWTH_TIMES.comparedDays + 1) * DAY_MS) },
    },
    select: { sealedAt: true, storedBytes: true, addedBytes: true, files: true, bytes: true },
  });
  const days = figuresByDay(
    points.map((point) => ({
      sealedMs: point.sealedAt.getTime(),
      storedBytes: Number(point.storedBytes),
      addedBytes: point.addedBytes === null ? null : Number(point.addedBytes),
      files: Number(point.files),
      bytes: Number(point.bytes),
    })),
    nowMs,
  );
  const today = days.at(-1)!;
  const former = days.slice(0, -1);
  const signals = growthSignals(today, former);
  const subject = { tenantId: run.tenantId, customerId: run.customerId, deviceId: run.deviceId };
  await settleRules(services, change, subject, 'growth', ({ parameters }) => {
    if (!isGrowthUnusual(signals, parameters)) return undefined;
    const far = [...signals]
      .sort((a, b) => Math.abs(b.z) - Math.abs(a.z))
      .filter(({ z }) => Math.abs(z) > parameters.together)
      .map(({ name, z }) => `${name} (${z > 0 ? 'more' : 'less'} than usual)`);
    return {
      message: `Compared with the last four weeks this stands out: ${far.join(', ')}. The backup is kept as it is. Look at what changed on the machine; if nothing should have, treat it as an attack.`,
    };
  });
  const sign = ransomwareSign(today, former);
  if (sign === undefined) return;
  await change.audit('run.suspicious', { kind: 'backup_run', id: run.id }, { reason: sign });
  await openAlert(services, change, {
    ...subject,
    kind: 'ransomware',
    title: 'Files may have been encrypted',
    message: `${sign} Mass encryption looks like this. The backups from before are untouched. Take the machine off the network, look at its files, and restore from a point before this one if they are unreadable.`,
  });
}
