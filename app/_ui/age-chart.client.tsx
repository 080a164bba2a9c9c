'use client';
import dynamic from 'next/dynamic';
import type { ReactNode } from 'react';
import classes from './age-chart.module.css';
import type { AgePoint } from './age-series.ts';

/** The chart library draws in the browser only and is the heaviest script of the portal: it loads after the page. */
const Plot = dynamic(() => import('./age-plot.client.tsx').then((module) => module.AgePlot), {
  ssr: false,
  loading: () => <div className={classes.waiting} />,
});

export function AgeChartView(props: { series: readonly AgePoint[]; rpoMs: number; timeZone: string }): ReactNode {
  return (
    <div className={classes.chart}>
      <Plot {...props} />
    </div>
  );
}
