/** The same text as a mail with a little form: inline styles alone, no picture but the provider's logo, no remote address. */
import type { OutgoingMessage, ToldNotification } from './message.ts';
import { headline, headlineOf, linkOf, namedOf, timeWords, worstOf } from './words.ts';

const INK = '#1d2733';
const QUIET = '#5b6775';
const LINE = '#d9dee4';
const EDGES = { critical: '#b3261e', warning: '#a35c00', info: '#3d6a8a' } as const;
const DONE = '#2f6f4f';

export const LOGO_CID = 'logo@holdfast';

export function mailHtml(message: OutgoingMessage, hasLogo: boolean): string {
  const [first, ...others] = message.told;
  const isResolved = message.told.every(({ transition }) => transition === 'resolved');
  const edge = isResolved ? DONE : EDGES[worstOf(message.told)];
  const body = others.length === 0 ? single(first) : many(message);
  const link = linkOf(message, others.length === 0 ? first.path : '/');
  const button =
    link === undefined
      ? ''
      : `<p style="margin:24px 0 0"><a href="${escapeHtml(link)}" style="color:#0b5cad">Open in the portal</a></p>`;
  const logo = hasLogo
    ? `<img src="cid:${LOGO_CID}" alt="${escapeHtml(message.providerName)}" height="32" style="display:block;margin:0 0 16px">`
    : '';
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${escapeHtml(headline(message))}</title></head><body style="margin:0;padding:24px;background:#f4f6f8;font-family:system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;color:${INK}"><div style="max-width:600px;margin:0 auto">${logo}<div style="background:#ffffff;border:1px solid ${LINE};border-left:4px solid ${edge};border-radius:8px;padding:24px"><h1 style="margin:0 0 12px;font-size:18px;line-height:1.35">${escapeHtml(headline(message))}</h1>${body}${button}</div><p style="margin:16px 4px;font-size:12px;color:${QUIET}">${escapeHtml(message.providerName)} · sent by Holdfast, which tests that backups can be restored</p></div></body></html>`;
}

function single(told: ToldNotification): string {
  const since =
    told.transition === 'digest' || told.transition === 'test' || told.transition === 'notice'
      ? ''
      : `<p style="margin:16px 0 0;font-size:13px;color:${QUIET}">Since ${escapeHtml(timeWords(told.atMs))}</p>`;
  return `${paragraphs(told.message)}${since}`;
}

function many(message: OutgoingMessage): string {
  const { named, others } = namedOf(message);
  const rows = named.map(
    (told) =>
      `<li style="margin:0 0 8px">${escapeHtml(headlineOf(told))}<br><span style="font-size:13px;color:${QUIET}">${escapeHtml(timeWords(told.atMs))}</span></li>`,
  );
  const rest = others > 0 ? `<p style="margin:8px 0 0">and ${others} more.</p>` : '';
  return `<ul style="margin:0;padding:0 0 0 20px;font-size:15px;line-height:1.5">${rows.join('')}</ul>${rest}`;
}

function paragraphs(text: string): string {
  return text
    .split(/\n{2,}/)
    .map(
      (part) =>
        `<p style="margin:0 0 12px;font-size:15px;line-height:1.55">${escapeHtml(part).replaceAll('\n', '<br>')}</p>`,
    )
    .join('');
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
