'use client';
import dynamic from 'next/dynamic';
import type { ComponentProps, ReactNode } from 'react';
import type { AgePlot } from './age-plot.client.tsx';
import { ChartPlace } from './chart.tsx';

const HEIGHT = 168;
const Plot = dynamic(() => import('./age-plot.client.tsx').then((module) => module.AgePlot), {
  ssr: false,
  loading: () => <ChartPlace height={HEIGHT} />,
});

export function AgeChartView(props: ComponentProps<typeof AgePlot>): ReactNode {
  return (
    <ChartPlace height={HEIGHT}>
      <Plot {...props} />
    </ChartPlace>
  );
}
