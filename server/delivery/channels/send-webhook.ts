import type { SendOutcome } from '../../../core/domain/delivery/attempts.ts';
import type { Caller } from '../outbound/call.ts';
import type { OutgoingMessage } from './message.ts';
import { webhookHeaders } from './sign-webhook.ts';
import { webOutcome } from './web-outcome.ts';
import { linkOf } from './words.ts';

/** One event as one signed request. What the body holds is described in docs/notifications.md: a promise to its readers. */
export async function sendWebhook(
  message: OutgoingMessage,
  { url, secrets }: { url: string; secrets: readonly string[] },
  { caller, nowMs }: { caller: Caller; nowMs: number },
): Promise<SendOutcome> {
  const body = webhookBody(message);
  const headers = webhookHeaders({ id: message.key, timestampMs: nowMs, body }, secrets);
  const result = await caller.call({ method: 'POST', url, headers, body });
  return webOutcome(result, { secrets, nowMs, isStrict: false, name: 'The receiver' });
}

export function webhookBody(message: OutgoingMessage): string {
  const [told] = message.told;
  const isAlert = told.subjectKey.startsWith('alert:') || told.subjectKey.startsWith('group:');
  return JSON.stringify({
    type: isAlert ? `alert.${told.transition}` : `holdfast.${told.transition}`,
    timestamp: new Date(told.atMs).toISOString(),
    data: {
      id: told.subjectKey,
      event_id: told.id,
      kind: told.kind,
      severity: told.severity,
      title: told.title,
      message: told.message,
      subject: told.subjectName,
      customer: told.customerId === null ? null : { id: told.customerId, name: told.customerName },
      provider: message.providerName,
      url: linkOf(message, told.path) ?? null,
    },
  });
}
