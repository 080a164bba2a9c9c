/** The only reader of the environment on the server side. Everything else gets a ServerEnv by parameter. */
import { z } from 'zod';
import { HoldfastError } from '../core/base/errors.ts';

const optionalText = z.preprocess((value) => (value === '' ? undefined : value), z.string().optional());
const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);

const schema = z
  .object({
    DATABASE_SERVICE_URL: z.string().min(1),
    QUEUE_DATABASE_URL: optionalText,
    REDIS_URL: optionalText,
    HOLDFAST_ROOT_KEY_FILE: z.string().min(1),
    NEXTAUTH_SECRET: optionalText,
    NEXTAUTH_URL: optionalText,
    PORT: port(3000),
    GATEWAY_PORT: port(3001),
    GATEWAY_HOST: z.string().default('127.0.0.1'),
    HOLDFAST_GATEWAY_URL: z.string().default('http://127.0.0.1:3001'),
    HOLDFAST_HEARTBEAT_SECONDS: z.coerce.number().int().min(1).max(300).default(30),
    HOLDFAST_STORE: z.enum(['file', 'gcs']).default('file'),
    HOLDFAST_STORE_PATH: optionalText,
    HOLDFAST_STORE_SIGNING_KEY: optionalText,
    HOLDFAST_GCS_BUCKET: optionalText,
    HOLDFAST_GCS_PREFIX: optionalText,
    HOLDFAST_GCS_API_ENDPOINT: optionalText,
    HOLDFAST_GCS_CREDENTIALS_JSON: optionalText,
    HOLDFAST_SCRATCH_PATH: z.string().min(1),
    HOLDFAST_SMTP_URL: optionalText,
    HOLDFAST_MAIL_FROM: optionalText,
    HOLDFAST_OUTBOUND_LOOPBACK: z.preprocess(
      (value) => (value === '' ? undefined : value),
      z.enum(['allow', 'refuse']).default('refuse'),
    ),
    HOLDFAST_OUTBOUND_CA_FILE: optionalText,
    HOLDFAST_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  })
  .superRefine((env, context) => {
    const need = (key: 'HOLDFAST_STORE_PATH' | 'HOLDFAST_STORE_SIGNING_KEY' | 'HOLDFAST_GCS_BUCKET'): void => {
      if (env[key] === undefined) context.addIssue({ code: 'custom', path: [key], message: 'is needed' });
    };
    if (env.HOLDFAST_STORE === 'gcs') need('HOLDFAST_GCS_BUCKET');
    else {
      need('HOLDFAST_STORE_PATH');
      need('HOLDFAST_STORE_SIGNING_KEY');
    }
    if (env.REDIS_URL === undefined && env.QUEUE_DATABASE_URL === undefined) {
      context.addIssue({ code: 'custom', path: ['REDIS_URL'], message: 'or QUEUE_DATABASE_URL is needed' });
    }
  });

export type ServerEnv = z.infer<typeof schema>;

/** @throws HoldfastError bad_request naming every variable that is missing or malformed; no values, for some are secrets. */
export function loadEnv(source: Readonly<Record<string, string | undefined>> = process.env): ServerEnv {
  const result = schema.safeParse(source);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  throw new HoldfastError(
    'bad_request',
    `The service's settings are incomplete: ${problems.join('; ')}. See .env.example; "npm start" sets them all by itself.`,
  );
}
