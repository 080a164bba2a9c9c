'use client';
import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './copy-field.module.css';

/** A command or key to copy, shown whole. */
export function CopyField({ label, text }: { label: string; text: string }): ReactNode {
  const clipboard = useClipboard({ timeout: 2000 });
  return (
    <div className={classes.field}>
      <div className={classes.head}>
        <span>{label}</span>
        <Button
          size="compact-xs"
          variant="default"
          leftSection={clipboard.copied ? <IconCheck size={13} /> : <IconCopy size={13} />}
          onClick={() => clipboard.copy(text)}
        >
          {clipboard.copied ? 'Copied' : 'Copy'}
        </Button>
      </div>
      <pre className={classes.text}>
        <code>{text}</code>
      </pre>
    </div>
  );
}
