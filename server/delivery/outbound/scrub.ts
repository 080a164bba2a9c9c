/** What another server answered, as far as a person may see it: short, printable, and without the secrets that we sent. */

const EXCERPT_CHARS_MAX = 1_000;
const SECRET_CHARS_MIN = 6;

export function scrubAnswer(text: string, secrets: readonly string[]): string {
  let clean = text;
  const forms = secrets
    .filter((secret) => secret.length >= SECRET_CHARS_MIN)
    .flatMap((secret) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]);
  // The longest first: a part of a secret must not leave its rest behind.
  for (const form of forms.sort((a, b) => b.length - a.length)) clean = clean.replaceAll(form, '•••');
  clean = clean
    .replace(/(bearer|basic)\s+[\w~+/.=-]{8,}/gi, '$1 •••')
    .replace(/("(?:access_token|refresh_token|token|password|secret|api_?key)"\s*:\s*")[^"]*"/gi, '$1•••"');
  // Control characters would move the cursor of whoever prints a log.
  clean = clean.replace(/\p{Cc}/gu, ' ');
  const short = clean.replace(/ {2,}/g, ' ').trim();
  return short.length > EXCERPT_CHARS_MAX ? `${short.slice(0, EXCERPT_CHARS_MAX)}…` : short;
}
