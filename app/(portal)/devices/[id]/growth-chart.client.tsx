'use client';
import dynamic from 'next/dynamic';
import type { ComponentProps, ReactNode } from 'react';
import { ChartPlace } from '../../../_ui/chart.tsx';
import type { GrowthPlot } from './growth-plot.client.tsx';

const HEIGHT = 132;
const Plot = dynamic(() => import('./growth-plot.client.tsx').then((module) => module.GrowthPlot), {
  ssr: false,
  loading: () => <ChartPlace height={HEIGHT} />,
});

export function GrowthChart(props: ComponentProps<typeof GrowthPlot>): ReactNode {
  return (
    <ChartPlace height={HEIGHT}>
      <Plot {...props} />
    </ChartPlace>
  );
}
