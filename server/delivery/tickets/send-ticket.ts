/**
 * A message as a step of a ticket: opened with the alert, a note for what changes, closed with the last of what it speaks of.
 * There is never a second ticket for one alert: what was asked for is written down before it is asked for, and after an
 * opening that nobody answered for the desk is searched for our reference first.
 */
import { createHash } from 'node:crypto';
import type { SendOutcome } from '../../../core/domain/delivery/attempts.ts';
import type { OutgoingMessage } from '../channels/message.ts';
import { webOutcome } from '../channels/web-outcome.ts';
import { headline, plainText, worstOf } from '../channels/words.ts';
import { DeskFailure, type ServiceDesk } from './service-desk.ts';

export interface TicketRecord {
  readonly reference: string;
  /** Null: it was asked for, and nobody knows whether it was opened. */
  readonly ticketId: string | null;
  readonly isClosed: boolean;
  /** Subjects of the same ticket that are not over. */
  readonly openSubjects: number;
}

/** What is remembered of tickets; every call is a transaction of its own under the job's fence. */
export interface TicketMemory {
  find(subjectKey: string): Promise<TicketRecord | undefined>;
  /** Before the desk is asked. */
  remember(subjectKeys: readonly string[], reference: string, customerId: string | null): Promise<void>;
  opened(reference: string, ticketId: string): Promise<void>;
  /** @returns how many subjects of the same ticket are still open. */
  subjectOver(subjectKey: string): Promise<number>;
}

export interface DeskTools {
  readonly desk: ServiceDesk;
  readonly memory: TicketMemory;
  readonly secrets: readonly string[];
  readonly nowMs: number;
  companyOf(customerId: string | null): string;
}

export async function sendTicket(message: OutgoingMessage, tools: DeskTools): Promise<SendOutcome> {
  try {
    return await take(message, tools);
  } catch (error) {
    if (!(error instanceof DeskFailure)) throw error;
    const { secrets, nowMs } = tools;
    return webOutcome(error.result, { secrets, nowMs, isStrict: true, name: 'The service desk' });
  }
}

async function take(message: OutgoingMessage, tools: DeskTools): Promise<SendOutcome> {
  const { memory, desk } = tools;
  const [told] = message.told;
  const known = await memory.find(told.subjectKey);
  const words = { title: headline(message), text: plainText(message) };
  switch (told.transition) {
    case 'opened':
    case 'notice':
    case 'test':
    case 'digest':
      return await open(message, known, tools);
    case 'resolved': {
      if (known === undefined) return done('No ticket was opened for it, so none is closed.');
      const ticketId = known.ticketId ?? (await desk.findByReference(known.reference));
      if (ticketId === undefined) return done('The ticket had never been opened.');
      const others = known.isClosed ? known.openSubjects : known.openSubjects - 1;
      if (others > 0) await desk.updateTicket(ticketId, words);
      else await desk.closeTicket(ticketId, words);
      await memory.subjectOver(told.subjectKey);
      return done(others > 0 ? `Noted; ${others} of the ticket are still open.` : 'Closed.', ticketId);
    }
    default: {
      const ticketId = known?.ticketId ?? undefined;
      if (ticketId === undefined) return done('No ticket was opened for it, so nothing is noted.');
      await desk.updateTicket(ticketId, words);
      return done('Noted.', ticketId);
    }
  }
}

async function open(message: OutgoingMessage, last: TicketRecord | undefined, tools: DeskTools): Promise<SendOutcome> {
  const { memory, desk, nowMs } = tools;
  const [told] = message.told;
  // An alert that comes back after its ticket was closed gets a new one.
  const known = last?.isClosed === true ? undefined : last;
  if (known?.ticketId != null) return done('The ticket is open already.', known.ticketId);
  const reference = known?.reference ?? referenceOf(message);
  if (known === undefined) {
    const subjects = message.told.map(({ subjectKey }) => subjectKey);
    await memory.remember(subjects, reference, told.customerId);
  } else {
    const found = await desk.findByReference(reference);
    if (found !== undefined) {
      await memory.opened(reference, found);
      return done('It had been opened already, though nobody had answered for it.', found);
    }
  }
  const ticketId = await desk.openTicket({
    reference,
    title: headline(message),
    text: plainText(message),
    severity: worstOf(message.told),
    company: tools.companyOf(told.customerId),
    openedMs: nowMs,
  });
  await memory.opened(reference, ticketId);
  return done('Opened.', ticketId);
}

const done = (response: string, reference?: string): SendOutcome => ({
  state: 'sent',
  response,
  ...(reference === undefined ? {} : { reference }),
});

/** The same for every attempt: made of the message's own key. Short enough for the smallest field (50 characters). */
function referenceOf(message: OutgoingMessage): string {
  return `HF-${createHash('sha256').update(message.key).digest('hex').slice(0, 20).toUpperCase()}`;
}
