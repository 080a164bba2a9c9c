import { openAlert } from '../alerts/open-alert.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

export type AnchorProblem = 'missing' | 'altered' | 'history';

const WORDS: Readonly<Record<AnchorProblem, (day: string) => string>> = {
  missing: (day) =>
    `The anchor of ${day}, which proves that the records of restore tests were not changed later, is gone from the storage. `,
  altered: (day) => `The anchor of ${day} in the storage is not the one that was laid there. `,
  history: (day) => `The records of restore tests in the database are not those that were anchored on ${day}. `,
};

/** Evidence that was tampered with, or lost. Concerns the customer, not one device. */
export async function openEvidenceAlert(
  services: Pick<Services, 'clock'>,
  change: Change,
  customer: { readonly tenantId: string; readonly customerId: string },
  problem: AnchorProblem,
  day: string,
): Promise<void> {
  await openAlert(services, change, {
    ...customer,
    deviceId: null,
    kind: 'evidence',
    title: 'Evidence does not fit its anchor',
    message: `${WORDS[problem](day)}Backups and restores are not affected. Find out who has access to the storage or the database, and compare with a bundle that was downloaded before.`,
  });
}
