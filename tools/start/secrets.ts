import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import { writePrivateFile } from './write-private-file.ts';

/** What the service's own parts prove themselves to one another with. */
const secretsSchema = z.strictObject({
  databaseAdminPassword: z.string().min(16),
  databaseServicePassword: z.string().min(16),
  databaseQueuePassword: z.string().min(16),
  redisPassword: z.string().min(16),
  nextAuthSecret: z.string().min(32),
  /** 32 bytes, base64: signs the URLs of the embedded object store. */
  storeSigningKey: z.string().length(44),
});

export type Secrets = z.infer<typeof secretsSchema>;

const ROOT_KEY_BYTES = 32;

/**
 * Reads secrets.json and root.key of a data folder, and makes them where the folder is new. Throws HoldfastError 'conflict'
 * when one is missing or damaged although there is data that it opens: a new one would lock that data for ever.
 */
export function loadSecrets(dataPath: string): { secrets: Secrets; rootKeyFile: string } {
  const secretsFile = path.join(dataPath, 'secrets.json');
  const rootKeyFile = path.join(dataPath, 'root.key');
  const hasData = existsSync(path.join(dataPath, 'postgres', 'PG_VERSION')) || existsSync(path.join(dataPath, 'store'));
  if (!existsSync(rootKeyFile)) {
    refuseWithData(hasData, rootKeyFile);
    writePrivateFile(rootKeyFile, `${randomBytes(ROOT_KEY_BYTES).toString('base64')}\n`);
  }
  if (!existsSync(secretsFile)) {
    refuseWithData(hasData, secretsFile);
    writePrivateFile(secretsFile, `${JSON.stringify(newSecrets(), null, 2)}\n`);
  }
  const parsed = secretsSchema.safeParse(readJson(secretsFile));
  if (!parsed.success) {
    throw new HoldfastError(
      'conflict',
      `${secretsFile} is damaged. Put the file back from a copy: it holds the passwords of the database beside it.`,
    );
  }
  return { secrets: parsed.data, rootKeyFile };
}

function refuseWithData(hasData: boolean, file: string): void {
  if (!hasData) return;
  throw new HoldfastError(
    'conflict',
    `${file} is missing, but there is data beside it that only this file opens. Nothing was changed. Put the file back, or name a new folder in HOLDFAST_DATA to begin anew.`,
  );
}

function newSecrets(): Secrets {
  const password = (): string => randomBytes(24).toString('base64url');
  return {
    databaseAdminPassword: password(),
    databaseServicePassword: password(),
    databaseQueuePassword: password(),
    redisPassword: password(),
    nextAuthSecret: randomBytes(32).toString('base64url'),
    storeSigningKey: randomBytes(32).toString('base64'),
  };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
