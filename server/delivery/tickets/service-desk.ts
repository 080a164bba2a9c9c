/** What every service desk can do for us, whatever it is called there. */
import { HoldfastError } from '../../../core/base/errors.ts';
import type { Severity } from '../../../core/domain/delivery/notification.ts';
import type { CallResult, OutboundCall } from '../outbound/call.ts';

export interface NewTicket {
  /** Ours, and in the ticket: by it a ticket is found whose opening nobody answered for. */
  readonly reference: string;
  readonly title: string;
  readonly text: string;
  readonly severity: Severity;
  readonly company: string;
  readonly openedMs: number;
}

export interface ServiceDesk {
  /** @returns their id. @throws DeskFailure */
  openTicket(ticket: NewTicket): Promise<string>;
  /** Adds a note. @throws DeskFailure */
  updateTicket(ticketId: string, note: { readonly title: string; readonly text: string }): Promise<void>;
  /** Adds a last note and closes it; closed already, it stays so. @throws DeskFailure */
  closeTicket(ticketId: string, note: { readonly title: string; readonly text: string }): Promise<void>;
  /** @throws DeskFailure */
  findByReference(reference: string): Promise<string | undefined>;
}

/** A call to a desk that did not end well; the result says whether it may have arrived. */
export class DeskFailure extends HoldfastError {
  readonly result: CallResult;

  constructor(result: CallResult) {
    super('storage_unavailable', 'The service desk did not take it.', {
      detail: result.state === 'answered' ? { status: result.status } : { reason: result.reason },
    });
    this.name = 'DeskFailure';
    this.result = result;
  }
}

/** One call that must be answered with a 2xx and, where a value is read, with JSON. */
export async function callDesk(call: (one: OutboundCall) => Promise<CallResult>, one: OutboundCall): Promise<unknown> {
  const result = await call(one);
  if (result.state !== 'answered' || result.status < 200 || result.status >= 300) throw new DeskFailure(result);
  if (result.text.trim() === '') return undefined;
  try {
    return JSON.parse(result.text) as unknown;
  } catch {
    return undefined; // whoever needs a value says so when it is missing
  }
}

/** A value that the desk must have answered with, as text. @throws DeskFailure as an answer that cannot be understood. */
export function idIn(answer: unknown, ...path: readonly (string | number)[]): string {
  let value = answer;
  for (const step of path) value = (value as Readonly<Record<string | number, unknown>> | undefined | null)?.[step];
  if (typeof value === 'number' || (typeof value === 'string' && value !== '')) return String(value);
  throw new DeskFailure({ state: 'no_answer', reason: 'The service desk answered without the number of the ticket.' });
}

export function rowsIn(answer: unknown, field?: string): readonly Readonly<Record<string, unknown>>[] {
  const rows = field === undefined ? answer : (answer as Readonly<Record<string, unknown>> | undefined)?.[field];
  return Array.isArray(rows) ? (rows as Readonly<Record<string, unknown>>[]) : [];
}

export function joinUrl(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}${path}`;
}
