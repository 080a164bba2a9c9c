/** Sources in words, for the portal and for the terminal, and where their files lie in a snapshot. */
import type { BackupSource, SourceHook } from './backup-source.ts';
import type { PolicyDocument } from './policy.ts';

const FOLDERS = { postgres: 'postgres', mysql: 'mysql', sqlite: 'sqlite', command: 'commands' } as const;

/** The folder of a snapshot that holds what the source adds; undefined for folders, which keep their own paths. */
export function sourceFolder(source: Pick<BackupSource, 'kind' | 'label'>): string | undefined {
  return source.kind === 'files' ? undefined : `/${FOLDERS[source.kind]}/${source.label}`;
}

/** One sentence without a full stop: what is protected. */
export function sourceWords(source: BackupSource): string {
  switch (source.kind) {
    case 'files':
      return source.paths.join(', ');
    case 'sqlite':
      return `SQLite: ${source.files.join(', ')}`;
    case 'command':
      return `the output of ${source.argv.join(' ')}, as ${source.fileName}`;
    case 'postgres':
    case 'mysql': {
      const product = source.kind === 'postgres' ? 'PostgreSQL' : 'MySQL or MariaDB';
      const port = source.port === undefined ? '' : `, port ${source.port}`;
      const place = source.host ?? source.socket ?? 'this machine';
      const databases = source.databases === 'all' ? 'all databases' : source.databases.join(', ');
      return `${product} on ${place}${port}: ${databases}`;
    }
  }
}

/** What runs around a source, a line each; nothing where there are no hooks. */
export function hookWords({ before, after }: Pick<BackupSource, 'before' | 'after'>): string[] {
  return [
    ...(before === undefined ? [] : [`before it: ${hookLine(before)}`]),
    ...(after === undefined ? [] : [`after it: ${hookLine(after)}`]),
  ];
}

function hookLine({ argv, onFailure }: SourceHook): string {
  return `${argv.join(' ')}${onFailure === 'warn' ? ' (a failure is only logged)' : ''}`;
}

/** Where what a policy protects lies in its snapshots, the policy's own folders first. */
export function protectedPlaces({ paths, sources = [] }: Pick<PolicyDocument, 'paths' | 'sources'>): string[] {
  return [
    ...paths,
    ...sources.flatMap((source) => (source.kind === 'files' ? source.paths : [sourceFolder(source) ?? '/'])),
  ];
}
