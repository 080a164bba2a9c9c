import { anchorDay } from '../../server/evidence/anchor-day.ts';
import { checkAnchors } from '../../server/evidence/check-anchors.ts';
import type { JobHandler } from '../job-context.ts';

export const evidenceSweep: JobHandler<'evidence-sweep'> = async ({ services, claim }) => {
  await anchorDay(services, claim.scope);
  await checkAnchors(services, claim.scope);
};
