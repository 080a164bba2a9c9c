'use client';
import dynamic from 'next/dynamic';
import type { ComponentProps, ReactNode } from 'react';
import { ChartPlace } from './chart.tsx';
import type { ExposurePlot } from './exposure-plot.client.tsx';

const HEIGHT = 200;
const Plot = dynamic(() => import('./exposure-plot.client.tsx').then((module) => module.ExposurePlot), {
  ssr: false,
  loading: () => <ChartPlace height={HEIGHT} />,
});

export function ExposureChart(props: ComponentProps<typeof ExposurePlot>): ReactNode {
  return (
    <ChartPlace height={HEIGHT}>
      <Plot {...props} />
    </ChartPlace>
  );
}
