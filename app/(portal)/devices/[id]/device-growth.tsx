import { IconChartDots } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { GROWTH_SIGNALS, GROWTH_TIMES, type GrowthSignalName } from '../../../../core/domain/alerts/growth.ts';
import { GROWTH_WORDS } from '../../../../core/domain/alerts/growth-words.ts';
import { formatBytes, formatCount, formatCountOf, formatDay } from '../../../../core/domain/format.ts';
import type { GrowthDay, GrowthView, SourceGrowth } from '../../../../server/alerts/growth-history.ts';
import { ChartTable } from '../../../_ui/chart.tsx';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import type { PageClock } from '../../../_ui/moment.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import classes from './device-growth.module.css';
import { GrowthChart } from './growth-chart.client.tsx';

/** What each day of a device's backups brought beside what is usual for it: six signals, drawn and as rows. */
export function DeviceGrowth({ growth, clock }: { growth: GrowthView; clock: PageClock }): ReactNode {
  const known = growth.sources.filter(({ days }) => days.length > 0);
  if (known.length === 0)
    return (
      <Panel isFlush>
        <EmptyState icon={<IconChartDots size={24} />} title="No backup of the last four weeks">
          What each day changes, and whether that is usual, is shown here when backups have arrived.
        </EmptyState>
      </Panel>
    );
  return (
    <div className="hf-stack">
      {known.map((source, at) => (
        <SourcePanel
          key={source.sourceId}
          source={source}
          title={known.length === 1 ? 'What each day changed' : `What each day changed, source ${at + 1}`}
          limits={growth.limits}
          clock={clock}
        />
      ))}
    </div>
  );
}

function SourcePanel({
  source,
  title,
  limits,
  clock,
}: {
  source: SourceGrowth;
  title: string;
  limits: GrowthView['limits'];
  clock: PageClock;
}): ReactNode {
  const judged = source.days.filter(({ signals }) => signals.length > 0);
  const far = judged.filter((day) => day.far.length > 0);
  if (judged.length === 0)
    return (
      <Panel title={title} isFlush>
        <EmptyState icon={<IconChartDots size={24} />} title="Too early to say what is usual">
          {formatCountOf(source.days.length, 'day')} with backups so far. A day is compared with those before it as soon
          as there are {GROWTH_TIMES.daysMin} of them.
        </EmptyState>
      </Panel>
    );
  return (
    <Panel
      title={title}
      note={`${formatCountOf(judged.length, 'day')}, each beside the ${GROWTH_TIMES.comparedDays} before it; ${
        far.length === 0
          ? 'none stands out'
          : `${formatCountOf(far.length, 'day')} ${far.length === 1 ? 'stands' : 'stand'} out`
      }`}
    >
      <div className={classes.plots}>
        {GROWTH_SIGNALS.map((name) => (
          <SignalFigure key={name} name={name} days={judged} clock={clock} />
        ))}
      </div>
      <p className={`hf-quiet ${classes.legend}`}>
        Line: that day. Dashed: the median of the days before. A diamond is a day that stands out: one signal is more
        than {limits.alone} robust standard deviations (z) from what is usual, or two are more than {limits.together}.
        Dumps of databases are not looked at.
      </p>
      <ChartTable>
        <DataTable
          label="What each day changed, the newest first"
          columns={columnsOf(clock)}
          rows={judged.toReversed()}
          rowKey={({ atMs }) => String(atMs)}
        />
      </ChartTable>
    </Panel>
  );
}

function SignalFigure({
  name,
  days,
  clock,
}: {
  name: GrowthSignalName;
  days: readonly GrowthDay[];
  clock: PageClock;
}): ReactNode {
  const points = days.flatMap(({ atMs, signals, far }) => {
    const signal = signals.find((one) => one.name === name);
    if (signal === undefined) return [];
    const { value, usual, z } = signal;
    return [{ atMs, value, usual, z, isFar: far.includes(name) }];
  });
  const { name: words, meaning } = GROWTH_WORDS[name];
  return (
    <figure className={classes.plot}>
      <figcaption>
        <div className={classes.name}>{words}</div>
        <div className="hf-quiet">{meaning}</div>
      </figcaption>
      {points.length === 0 ? (
        <div className={classes.none}>
          <span className="hf-quiet">Not measured: the agent is older than this figure, or too little was new.</span>
        </div>
      ) : (
        <GrowthChart name={name} points={points} timeZone={clock.timeZone} />
      )}
    </figure>
  );
}

function columnsOf(clock: PageClock): Column<GrowthDay>[] {
  return [
    {
      key: 'day',
      header: 'Day',
      cell: ({ atMs }) => <span className={classes.day}>{formatDay(atMs, clock.timeZone)}</span>,
    },
    ...GROWTH_SIGNALS.map(
      (name): Column<GrowthDay> => ({
        key: name,
        header: GROWTH_WORDS[name].name,
        align: 'end',
        cell: (day) => <SignalCell day={day} name={name} />,
      }),
    ),
    { key: 'files', header: 'Files', align: 'end', cell: ({ files }) => formatCount(files) },
    { key: 'bytes', header: 'Size', align: 'end', cell: ({ bytes }) => formatBytes(bytes) },
  ];
}

/** The value; of one that stands out, what is usual and how many deviations it is from that. */
function SignalCell({ day, name }: { day: GrowthDay; name: GrowthSignalName }): ReactNode {
  const signal = day.signals.find((one) => one.name === name);
  if (signal === undefined) return <span className="hf-quiet">not measured</span>;
  const { format } = GROWTH_WORDS[name];
  if (!day.far.includes(name)) return format(signal.value);
  return (
    <div>
      <span className={classes.far}>{format(signal.value)}</span>
      <div className={`hf-quiet ${classes.day}`}>usually {format(signal.usual)}</div>
      <div className={`hf-quiet ${classes.day}`}>z {signal.z.toFixed(1)}</div>
    </div>
  );
}
