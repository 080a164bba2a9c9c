import { type DayFigures, figuresByDay } from '../../core/domain/alerts/day-figures.ts';
import { farSignals, GROWTH_TIMES, growthSignals } from '../../core/domain/alerts/growth.ts';
import { signalWords } from '../../core/domain/alerts/growth-words.ts';
import { ransomwareSign } from '../../core/domain/alerts/ransomware-sign.ts';
import { loadSealedBackups } from '../alerts/growth-history.ts';
import { openAlert } from '../alerts/open-alert.ts';
import { settleRules } from '../alerts/settle-rules.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import type { SealWork } from './load-seal.ts';

const DAY_MS = 86_400_000;

/**
 * Compares the day that the sealed backup belongs to with the four weeks before it. Its point is written already. An unusual
 * day closes its alert when the next one is usual; what looks like encryption stays until a person has looked. The alert is
 * the device's: a usual day of one source says nothing of what the newest day of another one was.
 */
export async function watchGrowth(services: Services, change: Change, { run }: SealWork): Promise<void> {
  const { tenantId, customerId, deviceId, sourceId } = run;
  const nowMs = services.clock.nowMs();
  const { today, former } = (await loadDays(change.tx, run, nowMs, nowMs))!; // its point is written already
  const others = await change.tx.source.findMany({
    where: { tenantId, deviceId, id: { not: sourceId } },
    select: { id: true },
  });
  const all = [growthSignals(today, former)];
  for (const { id } of others) {
    const days = await loadDays(change.tx, { tenantId, sourceId: id }, nowMs);
    if (days !== undefined) all.push(growthSignals(days.today, days.former));
  }
  const subject = { tenantId, customerId, deviceId };
  await settleRules(services, change, subject, 'growth', ({ parameters }) => {
    const far = all.flatMap((signals) => farSignals(signals, parameters));
    if (far.length === 0) return undefined;
    return {
      message: `Compared with the last four weeks this stands out: ${far.map(signalWords).join('; ')}. The backup is kept as it is. Look at what changed on the machine; if nothing should have, treat it as an attack.`,
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

/** The newest day of a source and those before it, counted back from `endMs` or else from its newest backup; undefined: it has none. */
async function loadDays(
  tx: Change['tx'],
  { tenantId, sourceId }: { readonly tenantId: string; readonly sourceId: string },
  nowMs: number,
  endMs?: number,
): Promise<{ readonly today: DayFigures; readonly former: readonly DayFigures[] } | undefined> {
  const sinceMs = nowMs - (GROWTH_TIMES.comparedDays + 1) * DAY_MS;
  const backups = await loadSealedBackups(tx, { tenantId, sourceId }, sinceMs);
  if (backups.length === 0) return undefined;
  const days = figuresByDay(backups, endMs ?? Math.max(...backups.map(({ sealedMs }) => sealedMs)));
  return { today: days.at(-1)!, former: days.slice(0, -1) };
}
