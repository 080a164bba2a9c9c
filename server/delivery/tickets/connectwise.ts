/**
 * ConnectWise Manage (PSA): REST API v3 of the service module. Basic authentication as `company+public:private`, and the
 * clientId of the integration in a header. Their reference of ours is `externalXRef`.
 */
import type { SettingsOf } from '../../../core/domain/delivery/channel-kinds.ts';
import type { Caller, OutboundCall } from '../outbound/call.ts';
import { callDesk, idIn, joinUrl, rowsIn, type ServiceDesk } from './service-desk.ts';

/** They refuse a longer summary. */
const SUMMARY_CHARS_MAX = 100;
const API = '/v4_6_release/apis/3.0';

export function connectWiseDesk(
  settings: SettingsOf<'connectwise'>,
  { privateKey }: { privateKey: string },
  caller: Caller,
): ServiceDesk {
  const credentials = Buffer.from(`${settings.company}+${settings.publicKey}:${privateKey}`).toString('base64');
  const headers = {
    authorization: `Basic ${credentials}`,
    clientid: settings.clientId,
    accept: 'application/vnd.connectwise.com+json; version=2022.1',
  };
  const ask = async (method: OutboundCall['method'], path: string, body?: object): Promise<unknown> =>
    await callDesk(caller.call, {
      method,
      url: joinUrl(settings.url, `${API}${path}`),
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const note = async (ticketId: string, text: string, isResolution: boolean): Promise<void> => {
    await ask('POST', `/service/tickets/${encodeURIComponent(ticketId)}/notes`, {
      text,
      detailDescriptionFlag: !isResolution,
      internalAnalysisFlag: false,
      resolutionFlag: isResolution,
    });
  };
  return {
    openTicket: async (ticket) =>
      idIn(
        await ask('POST', '/service/tickets', {
          summary: ticket.title.slice(0, SUMMARY_CHARS_MAX),
          board: { name: settings.board },
          company: { identifier: ticket.company },
          initialDescription: ticket.text,
          externalXRef: ticket.reference,
          severity: ticket.severity === 'critical' ? 'High' : ticket.severity === 'warning' ? 'Medium' : 'Low',
        }),
        'id',
      ),
    updateTicket: async (ticketId, { text }) => await note(ticketId, text, false),
    closeTicket: async (ticketId, { text }) => {
      await note(ticketId, text, true);
      await ask('PATCH', `/service/tickets/${encodeURIComponent(ticketId)}`, [
        { op: 'replace', path: 'status', value: { name: settings.closedStatus } },
      ]);
    },
    findByReference: async (reference) => {
      const conditions = encodeURIComponent(`externalXRef="${reference}"`);
      const [found] = rowsIn(
        await ask('GET', `/service/tickets?conditions=${conditions}&fields=id,externalXRef&pageSize=1`),
      );
      return found === undefined ? undefined : idIn(found, 'id');
    },
  };
}
