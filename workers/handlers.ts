import type { JobKind } from '../server/jobs/catalog.ts';
import type { JobHandler } from './job-context.ts';

/** The handler of every job, loaded when the first one comes. A job without a handler does not compile. */
export const HANDLERS: { readonly [K in JobKind]: () => Promise<JobHandler<K>> } = {
  seal: async () => (await import('./seal/seal-run.ts')).sealRun,
  verify: async () => (await import('./verify/run-verification.ts')).runVerification,
  drill: async () => (await import('./drill/drill-point.ts')).drillPoint,
  rollup: async () => (await import('./rollup/roll-up.ts')).rollUp,
  report: async () => (await import('./report/draw-report.ts')).drawReport,
  'list-folder': async () => (await import('./list-folder/list-folder.ts')).listFolder,
  'prepare-download': async () => (await import('./prepare-download/prepare-download.ts')).prepareDownload,
  'schedule-sweep': async () => (await import('./schedule-sweep/schedule-sweep.ts')).scheduleSweep,
  'evidence-sweep': async () => (await import('./evidence-sweep/evidence-sweep.ts')).evidenceSweep,
  deliver: async () => (await import('./notify/deliver.ts')).deliver,
  'notify-sweep': async () => (await import('./notify/notify-sweep.ts')).notifySweep,
  housekeeping: async () => (await import('./housekeeping/housekeeping.ts')).housekeeping,
};
