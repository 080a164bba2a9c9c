/**
 * The order of test files: the longest first, so that none of them runs alone at the end while the other processor idles. As
 * long as nobody has run them here, as in a fresh clone, those come first that start the most programs and wait the longest.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Measured on two processors; whatever is not named takes less. */
export const LONGEST = [
  'tests/red/what-goes-red.test.ts',
  'tests/drills/databases.db.test.ts',
  'tests/faults/agent/runs.test.ts',
  'tests/faults/agent/repair.test.ts',
  'tests/faults/agent/daemon.test.ts',
  'workers/drill/drill-point.db.test.ts',
  'workers/verify/run-verification.db.test.ts',
  'workers/verify/rolling.db.test.ts',
  'workers/sandbox/run-in-sandbox.test.ts',
  'core/repository/hostile.test.ts',
  'workers/sandbox/system/boot.test.ts',
  'workers/sandbox/system/linux.test.ts',
  'core/repository/prune/prune.test.ts',
  'agent/repo/kill.test.ts',
  'agent/repo/repo-command.test.ts',
  'core/repository/restore/restore-windows.test.ts',
  'core/repository/file-faults.test.ts',
  'core/repository/golden-trees.test.ts',
  'core/repository/backup/stock-restic.test.ts',
  'agent/repo/write-commands.test.ts',
  'core/repository/repair/repair.test.ts',
  'agent/repo/read-commands.test.ts',
  'agent/repo/restore-interrupted.test.ts',
  'agent/repo/backup-options.test.ts',
  'core/repository/stock-restic.test.ts',
  'core/repository/backup/folder-state.test.ts',
  'core/repository/restore/restore-metadata.test.ts',
  'agent/daemon/daemon.test.ts',
  'core/repository/backup/backup.test.ts',
  'workers/drill/drill-evidence.db.test.ts',
  'tests/faults/agent/survival.test.ts',
  'tests/single-file/reader.test.ts',
  'workers/drill/system-drill.db.test.ts',
  'workers/notify/killed-worker.db.test.ts',
  'workers/notify/notify.db.test.ts',
  'workers/verify/accept-loss.db.test.ts',
  'workers/queue-faults.db.test.ts',
  'tools/schema-engine/schema-engine.db.test.ts',
  'workers/evidence-sweep/evidence-sweep.db.test.ts',
  'tests/faults/agent/sources.test.ts',
  'workers/schedule-sweep/schedule-sweep.db.test.ts',
  'tests/faults/agent/enrolment.test.ts',
  'workers/prepare-download/browse.db.test.ts',
  'tests/faults/agent/agent.test.ts',
  'workers/seal/seal-run.db.test.ts',
  'server/seed/seed-scenario.db.test.ts',
  'agent/sources/postgres.db.test.ts',
  'server/fleet/compile-filter.db.test.ts',
  'tests/faults/agent/outside-drills.test.ts',
  'server/runs/commit-run.db.test.ts',
  'tests/single-file/read-path.test.ts',
  'agent/sources/mysql.db.test.ts',
  'server/jobs/dispatcher.db.test.ts',
  'server/sla/sla-month.db.test.ts',
  'workers/main.db.test.ts',
];

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const root = this.ctx.config.root;
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.indexOf(moduleId.slice(root.length + 1));
      return at === -1 ? LONGEST.length : at;
    };
    const known = await super.sort(files);
    return known.toSorted((a, b) => rank(a) - rank(b));
  }
}
