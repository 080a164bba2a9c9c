import {
  IconAlertTriangleFilled,
  IconCalendarOff,
  IconCalendarX,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleHalf2,
  IconCircleX,
  IconClockExclamation,
  IconHelpCircle,
  IconHourglassHigh,
  IconLoader2,
  IconShield,
  IconShieldCheckFilled,
} from '@tabler/icons-react';
import type { ComponentType, ReactNode } from 'react';
import type { Shape, StateWord } from './state-words.ts';
import classes from './status-badge.module.css';

const SHAPES: Readonly<Record<Shape, ComponentType<{ size?: number; stroke?: number }>>> = {
  'shield-filled': IconShieldCheckFilled,
  shield: IconShield,
  check: IconCircleCheck,
  clock: IconClockExclamation,
  half: IconCircleHalf2,
  cross: IconCircleX,
  missed: IconCalendarX,
  stuck: IconHourglassHigh,
  damage: IconAlertTriangleFilled,
  excused: IconCalendarOff,
  unknown: IconHelpCircle,
  running: IconLoader2,
  queued: IconCircleDashed,
};

/** Shape, colour and word together; the tooltip explains the word. `note` stands beside it, such as the age of the proof. */
export function StatusBadge({
  state,
  size = 'md',
  note,
}: {
  state: StateWord;
  size?: 'sm' | 'md' | 'lg';
  note?: ReactNode;
}): ReactNode {
  return (
    <span className={classes.badge} data-tone={state.tone} data-size={size} title={state.meaning || undefined}>
      <StatusShape shape={state.shape} size={size === 'lg' ? 20 : 15} />
      <span className={classes.word}>{state.word}</span>
      {note !== undefined && <span className={classes.note}>{note}</span>}
    </span>
  );
}

export function StatusShape({ shape, size = 16 }: { shape: Shape; size?: number }): ReactNode {
  const Icon = SHAPES[shape];
  return (
    <span className={classes.shape} data-spins={shape === 'running' || undefined} aria-hidden="true">
      <Icon size={size} stroke={2} />
    </span>
  );
}
