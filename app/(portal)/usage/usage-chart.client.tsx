'use client';
import dynamic from 'next/dynamic';
import type { ComponentProps, ReactNode } from 'react';
import { ChartPlace } from '../../_ui/chart.tsx';
import type { UsagePlot } from './usage-plot.client.tsx';

const HEIGHT = 240;
const Plot = dynamic(() => import('./usage-plot.client.tsx').then((module) => module.UsagePlot), {
  ssr: false,
  loading: () => <ChartPlace height={HEIGHT} />,
});

export function UsageChart(props: ComponentProps<typeof UsagePlot>): ReactNode {
  return (
    <ChartPlace height={HEIGHT}>
      <Plot {...props} />
    </ChartPlace>
  );
}
