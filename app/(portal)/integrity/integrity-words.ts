/** The sentences of the page Integrity. */
import { type CoverageSums, coverage, coveragePercent } from '../../../core/domain/integrity.ts';
import type { DamageLine, IntegrityView } from '../../../server/integrity/queries.ts';
import { formatBytes, formatCount, formatCountOf } from '../../../core/domain/format.ts';
import type { PhaseStep } from '../../_ui/phase-steps.tsx';

type SentenceFacts = Pick<IntegrityView, 'damages' | 'lockedTotal' | 'lostTotal' | 'levels'>;

/** The one answer of the page. */
export function integritySentence({ damages, lockedTotal, lostTotal, levels }: SentenceFacts): string {
  const open = damages.filter(({ endedMs }) => endedMs === null).length;
  const locked = `${formatCountOf(lockedTotal, 'restore point')} ${lockedTotal === 1 ? 'is' : 'are'} locked away`;
  const unaccepted = damages.filter(({ isAcceptable }) => isAcceptable).length;
  if (unaccepted > 0 && unaccepted >= open)
    return `Stored data is damaged and cannot be repaired: ${unaccepted === 1 ? 'one loss waits' : `${unaccepted} losses wait`} for an owner to accept it.`;
  if (open > 0)
    return `Stored data is damaged and is being repaired${lockedTotal > 0 ? `; until then ${locked}` : ''}.`;
  if (lockedTotal > 0)
    return `Nothing is damaged that was not dealt with, but ${locked}${lostTotal === 0 ? '' : lostTotal === lockedTotal ? ', lost for good' : `, ${lostTotal} of them lost for good`}.`;
  const share = coverage(levels[1]);
  if (share === undefined) return 'Nothing is stored yet.';
  if (share >= 1) return 'Every stored byte was read and found intact in the last 30 days.';
  return `${coveragePercent(share)} % of the stored bytes were read and found intact in the last 30 days.`;
}

/** "2 stored objects of NAS were wrong once, and right when they were read again". */
export function readTwiceTitle(found: IntegrityView['readTwice']): string {
  const objects = found.reduce((sum, one) => sum + one.objects, 0);
  const where = found.length === 1 ? found[0]!.deviceName : formatCountOf(found.length, 'device');
  const was = objects === 1 ? 'was' : 'were';
  return `${formatCountOf(objects, 'stored object')} of ${where} ${was} wrong once, and right when read again`;
}

/** "99 % of 12 GB"; what is not covered is never rounded away. */
export function coverageWords(sums: CoverageSums): string {
  const share = coverage(sums);
  return share === undefined ? 'nothing to check' : `${coveragePercent(share)} %`;
}

export function problemWords(problem: string): string {
  return { damaged: 'other bytes than were stored', missing: 'gone', contents: 'cannot be opened' }[problem] ?? problem;
}

const DAMAGE_STATE_WORDS: Readonly<Record<DamageLine['state'], string>> = {
  found: 'Looking for who is hit',
  repairing: 'The machine sends it again',
  checking: 'What was sent is checked',
  repaired: 'Repaired',
  lost: 'Partly lost',
};

export function damageStateWords(damage: Pick<DamageLine, 'state' | 'events' | 'accepted' | 'isAcceptable'>): string {
  if (damage.accepted !== null) return 'Partly lost, and accepted';
  if (damage.isAcceptable && damage.state === 'repairing')
    return 'The machine was retired, or has not answered for a week: wait on, or accept the loss';
  return isForPerson(damage)
    ? 'A person has to look: no machine can send this again'
    : DAMAGE_STATE_WORDS[damage.state];
}

/** Everything is known, and nobody was asked: it is a snapshot, a key or the configuration. */
function isForPerson({ state, events }: Pick<DamageLine, 'state' | 'events'>): boolean {
  return state === 'found' && events.some(({ kind }) => kind === 'traced' || kind === 'untraced');
}

/** The steps of a repair, as its history has them so far. */
export function damageSteps(damage: DamageLine, time: (atMs: number) => string): PhaseStep[] {
  const at = (...kinds: string[]): DamageLine['events'][number] | undefined =>
    damage.events.findLast(({ kind }) => kinds.includes(kind));
  const isOver = damage.endedMs !== null;
  const step = (key: string, name: string, kinds: string[], note: string | undefined, isNow: boolean): PhaseStep => {
    const event = at(...kinds);
    const waits = isNow ? 'running' : isOver ? 'skipped' : 'waiting';
    return {
      key,
      name,
      state: event === undefined ? waits : 'done',
      ...(note === undefined ? {} : { note }),
      time: event === undefined ? null : time(event.atMs),
    };
  };
  const isAccepted = damage.accepted !== null;
  const traced =
    tracedWords(at('traced')?.data) ??
    (at('untraced') === undefined ? undefined : 'Only the customer has the key: nobody here can name the files.');
  const steps = [
    step('found', 'Damage found', ['found'], undefined, false),
    step('traced', 'Who is hit', ['traced', 'untraced'], traced, damage.state === 'found'),
    step('asked', 'Machine asked to send it again', ['asked'], refusalOf(damage), false),
    step('sent', 'Sent again', ['sent'], sentWords(at('sent')?.data), damage.state === 'repairing'),
    step('checked', 'Checked again', ['checked'], undefined, damage.state === 'checking'),
    step(
      'ended',
      damage.state === 'lost' ? 'Part of it is lost' : 'Whole again',
      ['ended'],
      endWords(at('ended')?.data),
      false,
    ),
    ...(damage.state === 'lost'
      ? [
          step(
            'accepted',
            isAccepted ? 'The loss is accepted' : 'An owner accepts the loss',
            ['accepted'],
            undefined,
            !isAccepted,
          ),
        ]
      : []),
  ];
  return steps.map((one) => (one.key === 'ended' && damage.state === 'lost' ? { ...one, state: 'failed' } : one));
}

function refusalOf({ events }: DamageLine): string | undefined {
  const refused = events.findLast(({ kind }) => kind === 'refused');
  const asked = events.findLast(({ kind }) => kind === 'asked');
  if (refused === undefined || (asked !== undefined && asked.atMs > refused.atMs)) return undefined;
  const { message } = refused.data as { message?: unknown };
  return `It could not: ${typeof message === 'string' ? message : 'no reason given'} It is asked again.`;
}

/** Of an end that nobody has worked for. */
function endWords(data: unknown): string | undefined {
  const { how } = (data ?? {}) as { how?: unknown };
  return how === 'reads_well_again' ? 'It was read again and is what was stored: the storage was mended.' : undefined;
}

/** What was hit when it was found: of a loss, the damage itself tells what was not mended. */
function tracedWords(data: unknown): string | undefined {
  if (data === undefined) return undefined;
  const { blobsTotal, filesTotal, snapshotsTotal, isComplete } = data as Partial<NonNullable<DamageLine['impact']>>;
  if (blobsTotal === undefined || filesTotal === undefined || snapshotsTotal === undefined) return undefined;
  return `${formatCountOf(blobsTotal, 'piece')}, ${formatCountOf(filesTotal, 'file')}, ${formatCountOf(snapshotsTotal, 'restore point')}${isComplete === false ? ' or more' : ''}`;
}

function sentWords(data: unknown): string | undefined {
  const packs = (data as { report?: { packs?: { kept: number; sent: number; gone: number }[] } } | undefined)?.report
    ?.packs;
  if (packs === undefined) return undefined;
  const sum = (key: 'kept' | 'sent' | 'gone'): number => packs.reduce((total, pack) => total + pack[key], 0);
  return `${formatCount(sum('kept'))} pieces saved from what was left, ${formatCount(sum('sent'))} read again, ${formatCount(sum('gone'))} no longer on the machine`;
}

/** What is due, and how fast it is gone through. */
export function paceWords({ newBytes, dueBytes, bytesADay }: IntegrityView['pace']): string {
  const owed = newBytes + dueBytes;
  const due = owed === 0 ? 'Nothing waits.' : `${formatBytes(owed)} ${newBytes > 0 ? 'of new data ' : ''}come first.`;
  return `${due} Otherwise about ${formatBytes(bytesADay)} a day, so that everything has its turn within 30 days.`;
}
