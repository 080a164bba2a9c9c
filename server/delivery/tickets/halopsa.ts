/**
 * HaloPSA: a token by client credentials, then tickets and actions, both sent as lists. A ticket has no field for a reference
 * of ours that can be asked for, so it stands at the end of the summary, which their search reads.
 */
import type { SettingsOf } from '../../../core/domain/delivery/channel-kinds.ts';
import type { Caller, OutboundCall } from '../outbound/call.ts';
import { callDesk, idIn, joinUrl, rowsIn, type ServiceDesk } from './service-desk.ts';

const SUMMARY_CHARS_MAX = 255;
const FOUND_MAX = 5;

export function haloDesk(
  settings: SettingsOf<'halopsa'>,
  { clientSecret }: { clientSecret: string },
  caller: Caller,
): ServiceDesk {
  let token: Promise<string> | undefined;
  const askToken = async (): Promise<string> => {
    const tenant = settings.tenant === undefined ? '' : `?tenant=${encodeURIComponent(settings.tenant)}`;
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: settings.clientId,
      client_secret: clientSecret,
      scope: 'all',
    });
    const answer = await callDesk(caller.call, {
      method: 'POST',
      url: joinUrl(settings.url, `/auth/token${tenant}`),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    return idIn(answer, 'access_token');
  };
  const ask = async (method: OutboundCall['method'], path: string, body?: object): Promise<unknown> => {
    token ??= askToken();
    return await callDesk(caller.call, {
      method,
      url: joinUrl(settings.url, `/api${path}`),
      headers: { authorization: `Bearer ${await token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  };
  const note = async (ticketId: string, { title, text }: { title: string; text: string }): Promise<void> => {
    await ask('POST', '/Actions', [
      { ticket_id: Number(ticketId), outcome: 'Note', note: `${title}\n\n${text}`, hiddenfromuser: true },
    ]);
  };
  return {
    openTicket: async (ticket) => {
      const mark = ` [${ticket.reference}]`;
      return idIn(
        await ask('POST', '/Tickets', [
          {
            summary: `${ticket.title.slice(0, SUMMARY_CHARS_MAX - mark.length)}${mark}`,
            details: ticket.text,
            tickettype_id: Number(settings.ticketTypeId),
            client_id: Number(ticket.company),
          },
        ]),
        'id',
      );
    },
    updateTicket: note,
    closeTicket: async (ticketId, words) => {
      await note(ticketId, words);
      await ask('POST', '/Tickets', [{ id: Number(ticketId), status_id: Number(settings.closedStatusId) }]);
    },
    findByReference: async (reference) => {
      const answer = await ask(
        'GET',
        `/Tickets?search=${encodeURIComponent(reference)}&count=${FOUND_MAX}&open_only=false`,
      );
      // Their search reads words; the whole mark decides.
      const found = rowsIn(answer, 'tickets').find(({ summary }) => String(summary).includes(`[${reference}]`));
      return found === undefined ? undefined : idIn(found, 'id');
    },
  };
}
