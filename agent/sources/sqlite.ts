/** SQLite: a copy of one moment while other programs go on writing, which is then read and removed. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { baseName, type SqliteSource } from '../../core/domain/backup-source.ts';
import { sourceFolder } from '../../core/domain/source-words.ts';
import { checkedStream, fileNameOf, type Producer } from './dump-stream.ts';
import type { StreamSource } from '../../core/repository/backup/stream-source.ts';
import type { SourceContext } from './source-context.ts';
import { runSqliteJob } from './sqlite-job.ts';

const BUSY_MS = 60_000;
const READ_BYTES = 1024 * 1024;

/** One stream for each database file. */
export async function sqliteStreams(source: SqliteSource, context: SourceContext): Promise<StreamSource[]> {
  await mkdir(context.copiesPath, { recursive: true, mode: 0o700 });
  return source.files.map((file) => fileStream(source, context, file));
}

function fileStream(source: SqliteSource, context: SourceContext, file: string): StreamSource {
  const path = `${sourceFolder(source)}/${fileNameOf(baseName(file))}`;
  return {
    path,
    open: async () => {
      await assertRoom(file, context.copiesPath);
      const copy = join(context.copiesPath, `${randomBytes(8).toString('hex')}.db`);
      const job = { kind: 'copy', file, copy, busyMs: BUSY_MS } as const;
      const version = await runSqliteJob(job, source.timeLimitMinutes * 60_000, context.signal).catch(
        async (error: unknown) => {
          await removeCopy(copy);
          throw error;
        },
      );
      const about = {
        kind: 'sqlite',
        label: source.label,
        database: baseName(file),
        serverVersion: null,
        clientVersion: version,
      } as const;
      return checkedStream({ path, about, producer: copyProducer(copy), onWhole: context.onWhole });
    },
  };
}

/** @throws HoldfastError source_missing when there is no such file; disk_full when its copy would not fit. */
async function assertRoom(file: string, copiesPath: string): Promise<void> {
  const facts = await stat(file).catch((cause: unknown) => {
    throw new HoldfastError('source_missing', `There is no database file ${file} on this machine.`, { cause });
  });
  const log = await stat(`${file}-wal`).catch(() => undefined);
  const { bavail, bsize } = await statfs(copiesPath);
  if (bavail * bsize > facts.size + (log?.size ?? 0)) return;
  throw new HoldfastError(
    'disk_full',
    `The copy of ${file} does not fit on the disk that holds ${copiesPath}. Free some space there; the database itself was not touched.`,
  );
}

function copyProducer(copy: string): Producer {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined); // the reader looks at it
  const file = createReadStream(copy, { highWaterMark: READ_BYTES });
  file.once('error', reject);
  file.once('close', () => void removeCopy(copy).then(resolve, reject));
  return { output: file, done: promise, stop: () => file.destroy() };
}

async function removeCopy(copy: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(`${copy}${suffix}`, { force: true });
}
