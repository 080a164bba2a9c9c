import { IconFolderX } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import type { Scope } from '../../../../server/access/scope.ts';
import { requestListing } from '../../../../server/listings/request-listing.ts';
import type { Services } from '../../../../server/services.ts';
import { orNotFound } from '../../../_server/session.ts';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { formatBytes, formatCountOf, formatExact, formatShort } from '../../../../core/domain/format.ts';
import { LiveRefresh } from '../../../_ui/live-refresh.client.tsx';
import type { PageClock } from '../../../_ui/moment.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { ProgressLine } from '../../../_ui/progress-line.tsx';
import { DownloadButton } from './download-button.client.tsx';
import { type EntryRow, EntryList } from './entry-list.client.tsx';
import { childPath, folderTrail } from './folder-path.ts';
import classes from './folder-view.module.css';

/** One folder of the restore point. A worker lists it on demand; until then the page asks again. */
export async function FolderView({
  services,
  scope,
  pointId,
  folder,
  protectedPaths,
  clock,
}: {
  services: Services;
  scope: Scope;
  pointId: string;
  folder: string;
  /** Shown as short cuts at the root, because what is protected often lies deep. */
  protectedPaths: readonly string[];
  clock: PageClock;
}): Promise<ReactNode> {
  const listing = await orNotFound(requestListing(services, scope, { restorePointId: pointId, path: folder }));
  const rows = listing.state === 'ready' ? toRows(listing.entries, folder, clock) : [];
  const head = (
    <div className={classes.head}>
      <nav aria-label="Folder" className={classes.trail}>
        <Link href={`/restore-points/${pointId}`} prefetch={false}>
          All files
        </Link>
        {folderTrail(folder).map((part) => (
          <span key={part.path}>
            <span aria-hidden="true" className={classes.slash}>
              /
            </span>
            <Link href={folderHref(pointId, part.path)} prefetch={false}>
              {part.name}
            </Link>
          </span>
        ))}
      </nav>
      {listing.state === 'ready' && rows.length > 0 && (
        <DownloadButton pointId={pointId} path={folder} kind="zip" label="Download folder as zip" />
      )}
      {folder === '/' && protectedPaths.length > 0 && (
        <p className={classes.shortcuts}>
          Protected here:{' '}
          {protectedPaths.map((path) => (
            <Link key={path} href={folderHref(pointId, path)} prefetch={false}>
              {path}
            </Link>
          ))}
        </p>
      )}
    </div>
  );

  if (listing.state === 'queued') {
    return (
      <Panel>
        <LiveRefresh isActive />
        {head}
        <ProgressLine label="Opening the folder" share={null} words="a worker reads it from the encrypted store" />
      </Panel>
    );
  }
  if (listing.state === 'failed') {
    return (
      <Panel>
        {head}
        <EmptyState icon={<IconFolderX size={24} />} title="This folder could not be opened">
          {listing.errorMessage ?? 'The worker could not read it.'} The restore point itself is unchanged.
        </EmptyState>
      </Panel>
    );
  }
  return (
    <Panel isFlush>
      <div className={classes.inset}>
        {head}
        {listing.errorMessage !== null && <p className="hf-quiet">{listing.errorMessage}</p>}
      </div>
      {rows.length === 0 ? (
        <EmptyState icon={<IconFolderX size={24} />} title="This folder is empty" />
      ) : (
        <EntryList rows={rows} pointId={pointId} summary={summary(rows)} />
      )}
    </Panel>
  );
}

type Listed = Awaited<ReturnType<typeof requestListing>>['entries'][number];

/** Folders first, then names as people sort them. Everything is put into words here, so that the list only draws. */
function toRows(entries: readonly Listed[], folder: string, clock: PageClock): EntryRow[] {
  const names = new Intl.Collator('en', { numeric: true });
  return [...entries]
    .sort((a, b) => Number(b.type === 'dir') - Number(a.type === 'dir') || names.compare(a.name, b.name))
    .map((entry) => ({
      name: entry.name,
      path: childPath(folder, entry.name),
      kind: entry.type === 'dir' || entry.type === 'file' || entry.type === 'symlink' ? entry.type : 'other',
      size: entry.type === 'file' ? formatBytes(entry.size) : '',
      bytes: entry.type === 'file' ? entry.size : 0,
      modified: entry.mtime === null ? '' : formatShort(entry.mtime, clock.timeZone),
      modifiedExact: entry.mtime === null ? '' : formatExact(entry.mtime, clock.timeZone),
      linkTarget: entry.linkTarget ?? null,
    }));
}

function summary(rows: readonly EntryRow[]): string {
  const folders = rows.filter((row) => row.kind === 'dir').length;
  const files = rows.filter((row) => row.kind === 'file');
  const bytes = files.reduce((sum, row) => sum + row.bytes, 0);
  const parts = [
    ...(folders > 0 ? [formatCountOf(folders, 'folder')] : []),
    ...(files.length > 0 ? [`${formatCountOf(files.length, 'file')}, ${formatBytes(bytes)}`] : []),
  ];
  return parts.join(' and ');
}

function folderHref(pointId: string, path: string): string {
  return `/restore-points/${pointId}?path=${encodeURIComponent(path)}`;
}
