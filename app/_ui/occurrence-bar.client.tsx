'use client';
import { Modal } from '@mantine/core';
import { type KeyboardEvent, type PointerEvent, type ReactNode, useMemo, useRef, useState } from 'react';
import type { DayRule } from '../../core/domain/fleet-filter/day-rule.ts';
import type { OccurrenceBar as Bar } from '../../server/fleet/view.ts';
import { formatShort } from '../../core/domain/format.ts';
import classes from './occurrence-bar.module.css';
import { BAR, cellAt, drawCells, type ShownCell, shownCells } from './occurrence-cells.ts';
import { OCCURRENCE_WORDS } from './state-words.ts';

const WIDTH = 28 * (BAR.dayWidth + BAR.dayGap) - BAR.dayGap;
/** How a cell is called that is no outcome. */
const OTHER_WORDS = { open: 'due, not decided yet', extra: 'made on request', mixed: 'mixed' } as const;

/**
 * The last 28 days: one cell for each expected backup, marks below for tests of restores. Shape and pattern say what colour
 * says. A view may show one cell a day; the table has each backup in any case. The arrow keys go from cell to cell; Enter, or a click, shows everything as a table.
 */
export function OccurrenceBar({
  bar,
  name,
  timeZone,
  dayRule = 'each',
}: {
  bar: Bar;
  name: string;
  timeZone: string;
  dayRule?: DayRule;
}): ReactNode {
  const cells = useMemo(() => shownCells(bar.cells, dayRule), [bar, dayRule]);
  const drawn = useMemo(() => drawCells(cells), [cells]);
  const [shown, setShown] = useState<{ readonly index: number; readonly box: DOMRect } | null>(null);
  const [isOpen, setOpen] = useState(false);
  const last = cells.length - 1;
  const chosen = shown?.index ?? null;
  const anchor = useRef<HTMLSpanElement>(null);
  // By where the bar is on the screen: what scrolls around it would cut the words off.
  const setChosen = (index: number | null): void => {
    const box = anchor.current?.getBoundingClientRect();
    setShown(index === null || box === undefined ? null : { index, box });
  };
  const cell = chosen === null ? undefined : cells[chosen];

  const onKey = (event: KeyboardEvent): void => {
    const from = chosen ?? last;
    const day = cells[from]?.[1] ?? 0;
    const steps: Readonly<Record<string, () => number>> = {
      ArrowLeft: () => from - 1,
      ArrowRight: () => from + 1,
      ArrowUp: () => from - 1,
      ArrowDown: () => from + 1,
      PageUp: () => cells.findLastIndex((one) => one[1] < day),
      PageDown: () => cells.findIndex((one) => one[1] > day),
      Home: () => 0,
      End: () => last,
    };
    const step = steps[event.key];
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      setOpen(true);
    } else if (event.key === 'Escape') setChosen(null);
    else if (step !== undefined && last >= 0) {
      event.preventDefault();
      const to = step();
      if (to >= 0 && to <= last) setChosen(to);
    }
  };
  const onPoint = (event: PointerEvent<SVGSVGElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    setChosen(cellAt(drawn, event.clientX - box.left, event.clientY - box.top) ?? null);
  };

  return (
    <span className={classes.bar}>
      <span
        ref={anchor}
        role="slider"
        tabIndex={0}
        className={classes.focus}
        aria-label={`Last 28 days of ${name}`}
        aria-valuemin={0}
        aria-valuemax={Math.max(last, 0)}
        aria-valuenow={Math.max(chosen ?? last, 0)}
        aria-valuetext={cell === undefined ? summaryOf(bar) : cellWords(cell, timeZone)}
        onKeyDown={onKey}
        onFocus={(event) => {
          if (event.currentTarget.matches(':focus-visible') && last >= 0) setChosen(last);
        }}
        onBlur={() => setChosen(null)}
        onClick={() => setOpen(true)}
      >
        <svg
          width={WIDTH}
          height={BAR.height + BAR.drillHeight}
          onPointerMove={onPoint}
          onPointerLeave={() => setChosen(null)}
          aria-hidden="true"
        >
          {drawn.map((one) => (
            <CellShape key={one.from} {...one} isChosen={chosen !== null && chosen >= one.from && chosen < one.to} />
          ))}
          {bar.drills.map((drill) => {
            const x = drill.day * (BAR.dayWidth + BAR.dayGap) + BAR.dayWidth / 2;
            const y = BAR.height + BAR.drillHeight / 2 + 1;
            return <DrillShape key={drill.id} state={drill.state} x={x} y={y} />;
          })}
        </svg>
      </span>
      {cell !== undefined && shown !== null && !isOpen && (
        <span
          className={classes.tip}
          style={{
            left: shown.box.left + cell[1] * (BAR.dayWidth + BAR.dayGap) + BAR.dayWidth / 2,
            top: shown.box.top - 6,
          }}
          aria-hidden="true"
        >
          {cellWords(cell, timeZone)}
        </span>
      )}
      {isOpen && <BarTable bar={bar} name={name} timeZone={timeZone} onClose={() => setOpen(false)} />}
    </span>
  );
}

function CellShape({
  outcome,
  x,
  y,
  height,
  isChosen,
}: {
  outcome: ShownCell[2];
  x: number;
  y: number;
  height: number;
  isChosen: boolean;
}): ReactNode {
  const width = BAR.dayWidth;
  const hollow = { x: x + 0.75, y: y + 0.75, width: width - 1.5, height: Math.max(height - 1.5, 0.5) };
  const inner = (): ReactNode => {
    switch (outcome) {
      case 'late':
        return <rect x={x} y={y + height / 2} width={width} height={height / 2} className={classes.warn} />;
      case 'partial':
        return <rect x={x} y={y} width={width / 2} height={height} className={classes.warn} />;
      case 'mixed':
        return <path d={`M${x} ${y + height}L${x + width} ${y}V${y + height}Z`} className={classes.warn} />;
      case 'stuck':
        return <path d={`M${x} ${y}h${width}M${x} ${y + height}h${width}`} className={classes.warnLine} />;
      default:
        return null;
    }
  };
  return (
    <g data-outcome={outcome} data-chosen={isChosen || undefined} className={classes.cell}>
      {outcome === 'ok' || outcome === 'failed' || outcome === 'excused' ? (
        <rect x={x} y={y} width={width} height={height} rx={1} className={classes[outcome]} />
      ) : (
        <rect {...hollow} rx={1} className={classes[outcome]} />
      )}
      {inner()}
    </g>
  );
}

const LEGEND = ['ok', 'late', 'partial', 'failed', 'missed', 'stuck', 'excused', 'extra', 'open'] as const;

/** What the shapes of one bar mean: those that it has, and tests of restores in any case. */
export function BarLegend({ bar }: { bar: Bar }): ReactNode {
  const found = new Set(bar.cells.map(([, , outcome]) => outcome));
  const side = { width: BAR.dayWidth, height: 14 };
  return (
    <ul className={classes.legend}>
      {LEGEND.filter((outcome) => outcome === 'ok' || found.has(outcome)).map((outcome) => (
        <li key={outcome}>
          <svg {...side} aria-hidden="true">
            <CellShape outcome={outcome} x={0} y={0} height={side.height} isChosen={false} />
          </svg>
          {wordOf(outcome)}
        </li>
      ))}
      {(['passed', 'failed'] as const).map((state) => (
        <li key={state}>
          <svg {...side} aria-hidden="true">
            <DrillShape state={state} x={side.width / 2} y={side.height / 2} />
          </svg>
          restore test {state}
        </li>
      ))}
    </ul>
  );
}

function DrillShape({ state, x, y }: { state: Bar['drills'][number]['state']; x: number; y: number }): ReactNode {
  return state === 'passed' ? (
    <circle cx={x} cy={y} r={2.5} className={classes.passed} />
  ) : (
    <path d={`M${x - 3} ${y - 3}l6 6m0-6l-6 6`} className={classes.broken} />
  );
}

/** Patterns that the bars of a page refer to; once a page. */
export function BarPatterns(): ReactNode {
  return (
    <svg width="0" height="0" aria-hidden="true" style={{ position: 'absolute' }}>
      <defs>
        <pattern id="hf-excused" width="3" height="3" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="1.4" height="3" className={classes.hatch} />
        </pattern>
      </defs>
    </svg>
  );
}

const wordOf = (outcome: ShownCell[2]): string =>
  outcome === 'open' || outcome === 'extra' || outcome === 'mixed'
    ? OTHER_WORDS[outcome]
    : OCCURRENCE_WORDS[outcome].word;

function cellWords([atSeconds, , outcome, reason]: ShownCell, timeZone: string): string {
  return `${formatShort(atSeconds * 1000, timeZone)}: ${wordOf(outcome)}${reason === null ? '' : `. ${reason}`}`;
}

function summaryOf({ cells, drills }: Bar): string {
  if (cells.length === 0) return 'nothing was expected';
  const count = (...outcomes: readonly string[]): number => cells.filter(([, , one]) => outcomes.includes(one)).length;
  const expected = cells.length - count('extra', 'open');
  return `${count('ok')} of ${expected} expected backups on time, ${count('failed', 'missed', 'stuck')} failed or missed, ${count('excused')} excused; ${drills.filter(({ state }) => state === 'passed').length} restores proven`;
}

function BarTable({
  bar,
  name,
  timeZone,
  onClose,
}: {
  bar: Bar;
  name: string;
  timeZone: string;
  onClose: () => void;
}): ReactNode {
  const lines = [
    ...bar.cells.map((cell) => ({
      atMs: cell[0] * 1000,
      what: cellWords(cell, timeZone).replace(/^[^:]*:\d\d: /, ''),
      key: `c${cell[0]}${cell[2]}`,
    })),
    ...bar.drills.map(({ id, atMs, state, level }) => ({
      atMs,
      what: `restore test of level ${level} ${state}`,
      key: id,
    })),
  ].sort((a, b) => b.atMs - a.atMs);
  return (
    <Modal opened onClose={onClose} title={`The last 28 days of ${name}`} size="lg">
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">What became of it</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ atMs, what, key }) => (
            <tr key={key}>
              <td className="hf-num">{formatShort(atMs, timeZone)}</td>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Modal>
  );
}
