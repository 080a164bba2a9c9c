import type { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The body as the message it must be; unknown keys are refused by the schemas.
 * @throws HoldfastError bad_request that names the first offending field, never its value.
 */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: Uint8Array): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(body));
  } catch (error) {
    throw new HoldfastError('bad_request', 'The body of this request is not JSON.', { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? 'the whole message' : issue.path.join('.');
  throw new HoldfastError(
    'bad_request',
    `This request does not follow the protocol at “${where}”: ${issue?.message ?? 'unknown'}.`,
    { detail: { issues: parsed.error.issues.slice(0, 5) } },
  );
}

/** Our own answer, checked as strictly as a request: what an agent could not read must not leave. @throws internal */
export function checkAnswer<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new HoldfastError('internal', 'The service made an answer that does not follow its own protocol.', {
    detail: { issues: parsed.error.issues.slice(0, 5) },
  });
}
