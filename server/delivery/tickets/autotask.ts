/**
 * Autotask PSA: REST API 1.0 of the account's zone (its address is part of the settings, for the zone is an account's own).
 * Notes are children of a ticket; our reference is `externalID`. The path is case-sensitive.
 */
import type { SettingsOf } from '../../../core/domain/delivery/channel-kinds.ts';
import type { Caller, OutboundCall } from '../outbound/call.ts';
import { callDesk, idIn, joinUrl, rowsIn, type ServiceDesk } from './service-desk.ts';

const API = '/ATServicesRest/V1.0';
const TITLE_CHARS_MAX = 255;
const TEXT_CHARS_MAX = 8000;
const NOTE_TITLE_CHARS_MAX = 250;
const NOTE_TEXT_CHARS_MAX = 3200;
/** Of their note types and publication lists: a note of the task, for everybody in Autotask. */
const NOTE = { noteType: 1, publish: 1 };
const DAY_MS = 86_400_000;

export function autotaskDesk(
  settings: SettingsOf<'autotask'>,
  secrets: { integrationCode: string; secret: string },
  caller: Caller,
): ServiceDesk {
  const headers = {
    apiintegrationcode: secrets.integrationCode,
    username: settings.username,
    secret: secrets.secret,
    accept: 'application/json',
  };
  const ask = async (method: OutboundCall['method'], path: string, body?: object): Promise<unknown> =>
    await callDesk(caller.call, {
      method,
      url: joinUrl(settings.url, `${API}${path}`),
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const note = async (ticketId: string, { title, text }: { title: string; text: string }): Promise<void> => {
    await ask('POST', `/Tickets/${encodeURIComponent(ticketId)}/Notes`, {
      title: title.slice(0, NOTE_TITLE_CHARS_MAX),
      description: text.slice(0, NOTE_TEXT_CHARS_MAX),
      ...NOTE,
    });
  };
  return {
    openTicket: async (ticket) =>
      idIn(
        await ask('POST', '/Tickets', {
          companyID: Number(ticket.company),
          title: ticket.title.slice(0, TITLE_CHARS_MAX),
          description: ticket.text.slice(0, TEXT_CHARS_MAX),
          status: Number(settings.openStatus),
          priority: Number(settings.priority),
          queueID: Number(settings.queueId),
          dueDateTime: new Date(ticket.openedMs + DAY_MS).toISOString(),
          externalID: ticket.reference,
        }),
        'itemId',
      ),
    updateTicket: note,
    closeTicket: async (ticketId, words) => {
      await note(ticketId, words);
      await ask('PATCH', '/Tickets', { id: Number(ticketId), status: Number(settings.closedStatus) });
    },
    findByReference: async (reference) => {
      const filter = [{ op: 'eq', field: 'externalID', value: reference }];
      const found = rowsIn(
        await ask('POST', '/Tickets/query', { MaxRecords: 1, IncludeFields: ['id'], filter }),
        'items',
      );
      return found[0] === undefined ? undefined : idIn(found[0], 'id');
    },
  };
}
