'use client';
import { IconDownload, IconFileZip } from '@tabler/icons-react';
import { type ReactNode, useEffect } from 'react';
import type { DownloadLine } from '../../../../server/downloads/queries.ts';
import { formatBytes } from '../../../../core/domain/format.ts';
import { LiveRefresh } from '../../../_ui/live-refresh.client.tsx';
import { Notice } from '../../../_ui/notice.tsx';
import { ProgressLine } from '../../../_ui/progress-line.tsx';
import { takeWanted } from './wanted-downloads.ts';
import classes from './prepared-downloads.module.css';

const fileHref = (id: string): string => `/api/downloads/${id}/file`;

/** What was asked for from this point: how far it is, and the file once it is ready. It starts by itself in the asking page. */
export function PreparedDownloads({ downloads }: { downloads: readonly DownloadLine[] }): ReactNode {
  useEffect(() => {
    for (const download of downloads)
      if (download.state === 'ready' && takeWanted(download.id)) window.location.assign(fileHref(download.id));
  }, [downloads]);
  if (downloads.length === 0) return null;
  const isActive = downloads.some((download) => download.state === 'queued' || download.state === 'running');
  return (
    <section aria-label="Downloads" className={classes.downloads}>
      <LiveRefresh isActive={isActive} />
      {downloads.map((download) => (
        <DownloadItem key={download.id} download={download} />
      ))}
    </section>
  );
}

function DownloadItem({ download }: { download: DownloadLine }): ReactNode {
  if (download.state === 'failed') {
    return (
      <Notice tone="warn" title={`${download.fileName} could not be prepared`}>
        {download.errorMessage ?? 'The worker could not read it from the store.'}
      </Notice>
    );
  }
  if (download.state === 'ready') {
    const Icon = download.kind === 'zip' ? IconFileZip : IconDownload;
    return (
      <div className={classes.ready}>
        <Icon size={18} aria-hidden="true" />
        <a href={fileHref(download.id)} className={classes.link} title={download.path}>
          {download.fileName}
        </a>
        {download.size !== null && <span className="hf-quiet hf-num">{formatBytes(download.size)}</span>}
      </div>
    );
  }
  if (download.state === 'expired') return null;
  return (
    <div className={classes.item}>
      <ProgressLine
        label={`Preparing ${download.fileName}`}
        share={download.size === null || download.size === 0 ? null : download.bytesDone / download.size}
        words={download.state === 'queued' ? 'waiting for a worker' : `${formatBytes(download.bytesDone)} restored`}
      />
    </div>
  );
}
