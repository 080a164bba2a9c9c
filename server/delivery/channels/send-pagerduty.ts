import type { SendOutcome } from '../../../core/domain/delivery/attempts.ts';
import type { Transition } from '../../../core/domain/delivery/notification.ts';
import type { Caller } from '../outbound/call.ts';
import type { OutgoingMessage } from './message.ts';
import { webOutcome } from './web-outcome.ts';
import { headlineOf, linkOf, oneLine } from './words.ts';

/** Events API v2. Nothing but these three exists; a snooze is an acknowledgement there. */
const ACTIONS: Readonly<Record<Transition, 'trigger' | 'acknowledge' | 'resolve'>> = {
  opened: 'trigger',
  updated: 'trigger',
  acknowledged: 'acknowledge',
  snoozed: 'acknowledge',
  resolved: 'resolve',
  notice: 'trigger',
  digest: 'trigger',
  test: 'trigger',
};
const SUMMARY_CHARS_MAX = 1024;

/** The subject is the key of the incident: a trigger that comes twice is one incident there. */
export async function sendPagerDuty(
  message: OutgoingMessage,
  { url, routingKey }: { url: string; routingKey: string },
  { caller, nowMs }: { caller: Caller; nowMs: number },
): Promise<SendOutcome> {
  const body = JSON.stringify(pagerDutyBody(message, routingKey));
  const result = await caller.call({ method: 'POST', url: `${url.replace(/\/+$/, '')}/v2/enqueue`, body });
  return webOutcome(result, { secrets: [routingKey], nowMs, isStrict: true, name: 'PagerDuty' });
}

export function pagerDutyBody(message: OutgoingMessage, routingKey: string): object {
  const [told] = message.told;
  const action = ACTIONS[told.transition];
  const link = linkOf(message, told.path);
  const base = {
    routing_key: routingKey,
    event_action: action,
    dedup_key: `holdfast/${told.subjectKey}`.slice(0, 255),
  };
  if (action !== 'trigger') return base;
  return {
    ...base,
    payload: {
      summary: oneLine(headlineOf(told), SUMMARY_CHARS_MAX),
      source: oneLine(told.subjectName === '' ? message.providerName : told.subjectName, 200),
      severity: told.severity, // info, warning and critical are words of theirs as well
      timestamp: new Date(told.atMs).toISOString(),
      component: 'backup',
      group: told.customerName ?? message.providerName,
      class: told.kind,
      custom_details: { message: told.message, customer: told.customerName },
    },
    client: 'Holdfast',
    ...(link === undefined ? {} : { client_url: link, links: [{ href: link, text: 'Open in the portal' }] }),
  };
}
