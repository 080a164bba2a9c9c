'use client';
import { TextInput } from '@mantine/core';
import { IconFile, IconFileSymlink, IconFileUnknown, IconFolderFilled, IconSearch } from '@tabler/icons-react';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import Link from 'next/link';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { DownloadButton } from './download-button.client.tsx';
import classes from './entry-list.module.css';

export interface EntryRow {
  readonly name: string;
  readonly path: string;
  readonly kind: 'dir' | 'file' | 'symlink' | 'other';
  readonly size: string;
  readonly bytes: number;
  readonly modified: string;
  readonly modifiedExact: string;
  readonly linkTarget: string | null;
}

const ROW_PX = 42;
/** A search field helps from here on; below, everything is in sight. */
const SEARCH_FROM = 20;

/** The entries of one folder. Only the rows in sight exist in the page, so that a folder of 50,000 files scrolls well. */
export function EntryList({
  rows,
  pointId,
  summary,
}: {
  rows: readonly EntryRow[];
  pointId: string;
  summary: string;
}): ReactNode {
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const shown = useMemo(
    () => (wanted === '' ? rows : rows.filter((row) => row.name.toLowerCase().includes(wanted))),
    [rows, wanted],
  );
  const list = useRef<HTMLDivElement>(null);
  const [offsetPx, setOffsetPx] = useState(0);
  useEffect(() => setOffsetPx(list.current?.offsetTop ?? 0), []);
  // oxlint-disable-next-line react/incompatible-library -- the compiler skips this component, which is right: the virtualizer changes by itself
  const virtual = useWindowVirtualizer({
    count: shown.length,
    estimateSize: () => ROW_PX,
    overscan: 12,
    scrollMargin: offsetPx,
    // The first screen is rendered on the server too.
    initialRect: { width: 1200, height: 800 },
  });

  return (
    <>
      <div className={classes.tools}>
        <span className="hf-quiet" aria-live="polite">
          {wanted === '' ? summary : `${shown.length} of ${rows.length} match`}
        </span>
        {rows.length >= SEARCH_FROM && (
          <TextInput
            size="xs"
            aria-label="Find in this folder"
            placeholder="Find in this folder"
            leftSection={<IconSearch size={14} />}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        )}
      </div>
      <div role="table" aria-label="Files and folders" aria-rowcount={shown.length + 1}>
        <div role="rowgroup">
          <div role="row" aria-rowindex={1} className={classes.header}>
            <span role="columnheader">Name</span>
            <span role="columnheader" className={classes.size}>
              Size
            </span>
            <span role="columnheader" className={classes.modified}>
              Modified
            </span>
            <span role="columnheader" className={classes.action}>
              <span className="hf-visually-hidden">Download</span>
            </span>
          </div>
        </div>
        <div role="rowgroup" ref={list} className={classes.body} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const row = shown[item.index];
            if (row === undefined) return null;
            return (
              <div
                key={row.name}
                role="row"
                aria-rowindex={item.index + 2}
                className={classes.row}
                style={{ transform: `translateY(${item.start - offsetPx}px)`, height: ROW_PX }}
              >
                <span role="cell" className={classes.name}>
                  <EntryName row={row} pointId={pointId} />
                </span>
                <span role="cell" className={classes.size}>
                  {row.size}
                </span>
                <span role="cell" className={classes.modified} title={row.modifiedExact}>
                  {row.modified}
                </span>
                <span role="cell" className={classes.action}>
                  {(row.kind === 'file' || row.kind === 'dir') && (
                    <DownloadButton
                      pointId={pointId}
                      path={row.path}
                      kind={row.kind === 'dir' ? 'zip' : 'file'}
                      label={row.kind === 'dir' ? `Download ${row.name} as zip` : `Download ${row.name}`}
                      isCompact
                    />
                  )}
                </span>
              </div>
            );
          })}
        </div>
      </div>
    </>
  );
}

function EntryName({ row, pointId }: { row: EntryRow; pointId: string }): ReactNode {
  if (row.kind === 'dir') {
    return (
      <Link
        href={`/restore-points/${pointId}?path=${encodeURIComponent(row.path)}`}
        prefetch={false}
        className={classes.folder}
      >
        <IconFolderFilled size={18} aria-hidden="true" />
        <span className={classes.text}>{row.name}</span>
      </Link>
    );
  }
  const Icon = row.kind === 'file' ? IconFile : row.kind === 'symlink' ? IconFileSymlink : IconFileUnknown;
  return (
    <>
      <Icon size={18} stroke={1.6} className={classes.icon} aria-hidden="true" />
      <span className={classes.text} title={row.name}>
        {row.name}
        {row.linkTarget !== null && <span className="hf-quiet"> → {row.linkTarget}</span>}
      </span>
    </>
  );
}
