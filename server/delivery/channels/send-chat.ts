/** Slack by an incoming webhook, Teams by the webhook of a workflow: a card each, of plain text alone. */
import type { SendOutcome } from '../../../core/domain/delivery/attempts.ts';
import type { Caller } from '../outbound/call.ts';
import type { OutgoingMessage, ToldNotification } from './message.ts';
import { webOutcome } from './web-outcome.ts';
import { headline, headlineOf, linkOf, namedOf, oneLine, timeWords, worstOf } from './words.ts';

interface ChatTools {
  readonly caller: Caller;
  readonly nowMs: number;
}

/** Slack refuses longer texts in a block. */
const SLACK_TEXT_MAX = 2_900;
const SLACK_HEADER_MAX = 150;

export async function sendSlack(message: OutgoingMessage, url: string, tools: ChatTools): Promise<SendOutcome> {
  const result = await tools.caller.call({ method: 'POST', url, body: JSON.stringify(slackBody(message)) });
  return webOutcome(result, { secrets: [url], nowMs: tools.nowMs, isStrict: true, name: 'Slack' });
}

export function slackBody(message: OutgoingMessage): object {
  const [first, ...others] = message.told;
  const link = linkOf(message, others.length === 0 ? first.path : '/');
  // Plain text only: a device named "<!channel>" wakes up nobody.
  const section = (text: string) => ({
    type: 'section',
    text: { type: 'plain_text', text: text.slice(0, SLACK_TEXT_MAX), emoji: false },
  });
  return {
    text: escapeSlack(headline(message)),
    blocks: [
      {
        type: 'header',
        text: { type: 'plain_text', text: oneLine(headline(message), SLACK_HEADER_MAX), emoji: false },
      },
      ...textsOf(message).map(section),
      ...(link === undefined
        ? []
        : [
            {
              type: 'actions',
              elements: [{ type: 'button', text: { type: 'plain_text', text: 'Open in the portal' }, url: link }],
            },
          ]),
      { type: 'context', elements: [{ type: 'plain_text', text: oneLine(footOf(message, first), 200), emoji: false }] },
    ],
  };
}

/** The text beside the blocks is read as markup: https://api.slack.com/reference/surfaces/formatting#escaping */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

export async function sendTeams(message: OutgoingMessage, url: string, tools: ChatTools): Promise<SendOutcome> {
  const result = await tools.caller.call({ method: 'POST', url, body: JSON.stringify(teamsBody(message)) });
  return webOutcome(result, { secrets: [url], nowMs: tools.nowMs, isStrict: true, name: 'Teams' });
}

const TEAMS_COLOURS = { critical: 'attention', warning: 'warning', info: 'accent' } as const;

export function teamsBody(message: OutgoingMessage): object {
  const [first, ...others] = message.told;
  const link = linkOf(message, others.length === 0 ? first.path : '/');
  const isResolved = message.told.every(({ transition }) => transition === 'resolved');
  // RichTextBlock and TextRun take text as it is; a TextBlock would read Markdown in the name of a device.
  const run = (text: string, more: object = {}) => ({
    type: 'RichTextBlock',
    inlines: [{ type: 'TextRun', text, ...more }],
  });
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            run(headline(message), {
              weight: 'bolder',
              size: 'medium',
              color: isResolved ? 'good' : TEAMS_COLOURS[worstOf(message.told)],
            }),
            ...textsOf(message).map((text) => run(text)),
            run(footOf(message, first), { isSubtle: true, size: 'small' }),
          ],
          ...(link === undefined
            ? {}
            : { actions: [{ type: 'Action.OpenUrl', title: 'Open in the portal', url: link }] }),
        },
      },
    ],
  };
}

function textsOf(message: OutgoingMessage): string[] {
  const [first, ...others] = message.told;
  if (others.length === 0) return [first.message];
  const { named, others: unnamed } = namedOf(message);
  const lines = named.map((told) => `• ${headlineOf(told)}`);
  return [[...lines, ...(unnamed > 0 ? [`and ${unnamed} more.`] : [])].join('\n')];
}

function footOf(message: OutgoingMessage, first: ToldNotification): string {
  return `${message.providerName} · ${timeWords(first.atMs)}`;
}
