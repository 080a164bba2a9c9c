/**
 * What a channel sends now, out of everything that waits for it: which deliveries become one message, which are over before
 * anybody was told, which wait for the morning. A plan with its reasons; it is carried out elsewhere. Pure.
 */
import type { Severity, Transition } from './notification.ts';
import { type ChannelRouting, quietUntil } from './routing.ts';
import { OLDEST_MS } from './attempts.ts';

/** People read a message; machines take each event; a desk keeps a ticket for each subject. */
export type ChannelManner = 'people' | 'machine' | 'desk';

export interface WaitingDelivery {
  readonly id: string;
  readonly customerId: string | null;
  readonly subjectKey: string;
  readonly transition: Transition;
  readonly severity: Severity;
  readonly atMs: number;
  readonly createdMs: number;
  readonly dueMs: number;
  readonly attempts: number;
  /** An escalation: told only if nobody has taken the alert. */
  readonly asksAgain: boolean;
  /** The delivery whose message speaks of this one too, once that was tried: a message never changes between attempts. */
  readonly sentIn: string | null;
}

export interface ChannelFacts {
  readonly manner: ChannelManner;
  readonly routing: ChannelRouting;
  readonly nowMs: number;
  /** Subjects that are over, or that somebody has taken, with the time of it. */
  readonly over: ReadonlyMap<string, number>;
  readonly taken: ReadonlyMap<string, number>;
  /** Subjects whose beginning was told through this channel. */
  readonly told: ReadonlySet<string>;
  /** When each message of the last hour was sent, the oldest first. */
  readonly sentMs: readonly number[];
}

export interface MessagePlan {
  readonly skips: readonly { readonly id: string; readonly reason: string }[];
  readonly waits: readonly { readonly id: string; readonly untilMs: number; readonly reason: string }[];
  /** Each of one delivery or more, in the order in which they are sent. */
  readonly messages: readonly (readonly WaitingDelivery[])[];
}

/** Up to so many are told one by one, so that each thread of mails stays whole. */
const ONE_BY_ONE_MAX = 4;
const HOUR_MS = 3_600_000;
const ANSWERS_TO_A_PERSON: ReadonlySet<Transition> = new Set(['test', 'digest', 'notice']);

export const SKIP_REASONS = {
  over: 'It was over before anybody was told.',
  taken: 'Somebody had taken the alert before this was due.',
  untold: 'Its beginning was not told here, so its end is not either.',
  old: 'It could not be sent for three days; what is still open stands in the portal.',
} as const;

export function planMessages(deliveries: readonly WaitingDelivery[], facts: ChannelFacts): MessagePlan {
  const { nowMs, routing } = facts;
  const skips: { id: string; reason: string }[] = [];
  const waits: { id: string; untilMs: number; reason: string }[] = [];
  const groups = new Map<string, WaitingDelivery[]>();
  const fresh: WaitingDelivery[] = [];
  const begins = new Set(
    deliveries.filter((one) => one.transition === 'opened' && !one.asksAgain).map((one) => one.subjectKey),
  );
  // What follows a beginning that is tried again waits for it: nobody reads first that something ended.
  const tried = new Map(
    deliveries
      .filter((one) => one.transition === 'opened' && one.attempts > 0 && nowMs - one.createdMs <= OLDEST_MS)
      .map((one) => [one.subjectKey, Math.max(one.dueMs, nowMs + 1000)]),
  );
  for (const one of [...deliveries].sort((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1))) {
    // What was tried goes on as it was: its message may have arrived, and is known by its key there.
    if (one.attempts > 0) {
      if (nowMs - one.createdMs > OLDEST_MS) skips.push({ id: one.id, reason: SKIP_REASONS.old });
      else if (one.dueMs <= nowMs) push(groups, one.sentIn ?? one.id, one);
      continue;
    }
    const after = one.transition === 'opened' ? undefined : tried.get(one.subjectKey);
    if (after !== undefined) {
      waits.push({ id: one.id, untilMs: after, reason: 'Its beginning is being tried again' });
      continue;
    }
    const reason = reasonToSkip(one, facts, begins);
    if (reason !== null) {
      skips.push({ id: one.id, reason });
      if (reason === SKIP_REASONS.over) begins.delete(one.subjectKey);
      continue;
    }
    fresh.push(one);
  }
  const ready = readyNow(fresh, facts, waits);
  const messages = [...groups.values(), ...gather(ready, facts)];
  return { skips, waits, ...withinTheRate(messages, facts, waits, routing.perHour) };
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function reasonToSkip(one: WaitingDelivery, facts: ChannelFacts, begins: ReadonlySet<string>): string | null {
  const { manner, nowMs, over, taken, told } = facts;
  if (ANSWERS_TO_A_PERSON.has(one.transition)) return null;
  if (nowMs - one.createdMs > OLDEST_MS) return SKIP_REASONS.old;
  const isLater = (times: ReadonlyMap<string, number>): boolean => (times.get(one.subjectKey) ?? -1) >= one.atMs;
  if (one.transition === 'opened') {
    if (one.asksAgain && isLater(over)) return SKIP_REASONS.over;
    if (one.asksAgain && isLater(taken)) return SKIP_REASONS.taken;
    return manner !== 'machine' && isLater(over) ? SKIP_REASONS.over : null;
  }
  if (manner === 'machine') return null;
  // Of what was never told, or is not told now, nobody wants to hear how it went on.
  const beginsHere = begins.has(one.subjectKey) && !isLater(over) && one.transition !== 'resolved';
  return told.has(one.subjectKey) || beginsHere ? null : SKIP_REASONS.untold;
}

/** What is due, with what belongs to the same storm; the rest waits for its time or for the end of the quiet hours. */
function readyNow(
  fresh: readonly WaitingDelivery[],
  { nowMs, routing }: ChannelFacts,
  waits: { id: string; untilMs: number; reason: string }[],
): WaitingDelivery[] {
  const awake: WaitingDelivery[] = [];
  for (const one of fresh) {
    const until = one.transition === 'test' ? null : quietUntil(routing, one.severity, nowMs);
    if (until === null) awake.push(one);
    else if (until > one.dueMs) waits.push({ id: one.id, untilMs: until, reason: 'Quiet hours' });
  }
  const isStorm = awake.some((one) => one.dueMs <= nowMs && !one.asksAgain && !ANSWERS_TO_A_PERSON.has(one.transition));
  const horizon = nowMs + (isStorm ? routing.gatherSeconds * 1000 : 0);
  return awake.filter((one) => one.dueMs <= (one.asksAgain ? nowMs : horizon));
}

function gather(ready: readonly WaitingDelivery[], { manner }: ChannelFacts): WaitingDelivery[][] {
  const alone = ready.map((one) => [one]);
  if (manner === 'machine') return alone;
  const answers = ready.filter((one) => ANSWERS_TO_A_PERSON.has(one.transition));
  const rest = ready.filter((one) => !ANSWERS_TO_A_PERSON.has(one.transition));
  if (manner === 'people')
    return [...answers.map((one) => [one]), ...(rest.length > ONE_BY_ONE_MAX ? [rest] : rest.map((one) => [one]))];
  // One ticket speaks of the whole storm of a customer; what follows is a note on each ticket in its turn.
  const openings = new Map<string, WaitingDelivery[]>();
  for (const one of rest.filter(({ transition }) => transition === 'opened')) push(openings, one.customerId ?? '', one);
  const stormy = [...openings.values()].filter((list) => list.length > ONE_BY_ONE_MAX);
  const inStorm = new Set(stormy.flat());
  return [...answers.map((one) => [one]), ...stormy, ...rest.filter((one) => !inStorm.has(one)).map((one) => [one])];
}

/** Within the rate all is sent; beyond it everything that is left waits for the next free place, and then is one message. */
function withinTheRate(
  messages: readonly WaitingDelivery[][],
  { nowMs, sentMs, manner }: ChannelFacts,
  waits: { id: string; untilMs: number; reason: string }[],
  perHour: number,
): { messages: WaitingDelivery[][] } {
  const recent = sentMs.filter((at) => at > nowMs - HOUR_MS);
  const isAnswer = (message: readonly WaitingDelivery[]): boolean =>
    message.every(({ transition }) => ANSWERS_TO_A_PERSON.has(transition));
  const answers = messages.filter(isAnswer);
  const others = messages.filter((message) => !isAnswer(message));
  const free = Math.max(0, perHour - recent.length);
  if (others.length <= free) return { messages: [...answers, ...others] };
  // The last free place is for all that is left over: one message with counts, now, rather than one in an hour.
  const canJoin = manner === 'people' && free > 0;
  const joined = canJoin
    ? others.slice(free - 1).filter((message) => message.every(({ attempts }) => attempts === 0))
    : [];
  const kept = canJoin ? others.slice(0, free - 1) : others.slice(0, free);
  const placed = new Set([...kept, ...joined]);
  const untilMs = (recent[recent.length - perHour] ?? recent[0] ?? nowMs) + HOUR_MS;
  for (const message of others) {
    if (placed.has(message)) continue;
    for (const { id } of message) waits.push({ id, untilMs, reason: `More than ${perHour} messages within an hour` });
  }
  return { messages: [...answers, ...kept, ...(joined.length > 0 ? [joined.flat()] : [])] };
}
