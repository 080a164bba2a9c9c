/** The sentences of a customer's page Proof: no word in them needs an explanation. */
import type { ProofFinding, ProofSource, ProofTest, ProofView } from '../../server/drills/view-proof.ts';
import { LEVEL_SENTENCES } from './drill-words.ts';
import { formatBytes, formatCountOf, formatDuration, formatElapsed } from '../../core/domain/format.ts';
import { COVERAGE_WORDS, type StateWord } from './state-words.ts';

/** Can everything be brought back? Said of what was tested alone. */
export function proofSentence({ sources, nowMs }: Pick<ProofView, 'sources' | 'nowMs'>): string {
  if (sources.length === 0) return 'Nothing is protected yet, so nothing could be tested.';
  const failed = sources.filter(({ state }) => state === 'failed');
  if (failed.length > 0)
    return failed.length === 1
      ? `The last recovery test of ${failed[0]?.deviceName} failed; your provider has to mend it.`
      : `The last recovery tests of ${failed.length} of your ${sources.length} systems failed; your provider has to mend them.`;
  const tested = sources.filter(({ proof }) => proof !== null);
  if (tested.length === 0) return 'No recovery was tested yet, so nothing is proven.';
  const proven = sources.filter(({ state }) => state === 'proven');
  if (proven.length < sources.length) {
    if (sources.length === 1)
      return tested[0]?.state === 'overdue'
        ? 'Your system was recovered in a test, but the next test is overdue.'
        : 'Your system was recovered in a test, but not yet as deep as agreed.';
    return `${proven.length === 0 ? 'None' : proven.length} of your ${sources.length} systems ${proven.length === 1 ? 'is' : 'are'} proven recoverable as agreed.`;
  }
  const oldestMs = Math.min(...proven.map(({ proof }) => proof?.endedMs ?? Number.NEGATIVE_INFINITY));
  const age = Number.isFinite(oldestMs)
    ? `, ${sources.length === 1 ? 'last' : 'each within the last'} ${formatDuration(nowMs - oldestMs)}${sources.length === 1 ? ' ago' : ''}`
    : '';
  return sources.length === 1
    ? `Your system was recovered in a test${age}, and it came back as it was.`
    : `All ${sources.length} of your systems were recovered in tests${age}, and came back as they were.`;
}

const NOT_YET: StateWord = {
  word: 'Not yet proven',
  tone: 'mute',
  shape: 'unknown',
  meaning: 'No recovery of this system has been tested so far.',
};

/** Green is for a recovery that was tested, as deep and as recently as was agreed; what was never tested says so. */
export function proofWord({ state, proof }: Pick<ProofSource, 'state' | 'proof'>): StateWord {
  if (state === 'failed') return COVERAGE_WORDS.failed;
  if (proof === null) return NOT_YET;
  if (state === 'never')
    return {
      word: 'Not tested as deep as agreed',
      tone: 'warn',
      shape: 'half',
      meaning: 'A recovery was tested, but not yet in the way that was agreed.',
    };
  if (state === 'overdue') return { ...COVERAGE_WORDS.overdue, word: 'Test overdue' };
  return state === 'proven' ? COVERAGE_WORDS.proven : { ...COVERAGE_WORDS.extra, word: 'Tested' };
}

/** How long a recovery took, and what everything would take. */
export function recoveryWords({ proof, rtoTargetMs }: Pick<ProofSource, 'proof' | 'rtoTargetMs'>): string | null {
  if (proof === null || proof.tookMs === null) return null;
  const target = `the agreed limit is ${formatDuration(rtoTargetMs)}`;
  const tested = `${formatCountOf(proof.files, 'file')} (${formatBytes(proof.bytes)}) came back in ${formatElapsed(proof.tookMs)}`;
  if (!proof.isEstimated) return `Everything, ${tested}; ${target}.`;
  return proof.wholeMs === null
    ? `${tested}; ${target}.`
    : `${tested}. Everything would take about ${formatElapsed(proof.wholeMs)}, by estimate; ${target}.`;
}

/** One test in a sentence. */
export function testSentence(test: ProofTest): string {
  const how = LEVEL_SENTENCES[test.level]?.name.toLowerCase() ?? 'tested';
  const where =
    test.runner === 'kit' ? ' with your recovery kit alone' : test.runner === 'agent' ? ' on your own machine' : '';
  switch (test.state) {
    case 'passed':
      return `Recovered${where} (${how}): ${formatCountOf(test.filesMatched, 'file')}, ${formatBytes(test.bytes)}, all as they were.`;
    case 'failed':
      return test.filesPlanned > test.filesMatched && test.filesMatched > 0
        ? `${formatCountOf(test.filesPlanned - test.filesMatched, 'file')} of ${test.filesPlanned} did not come back as they were.`
        : `The recovery did not work as it should (${how}).`;
    case 'void':
      return 'Not carried out, or withdrawn: it counts neither way.';
  }
}

/** What a test or a check found, and what became of it. */
export function findingWords({
  kind,
  what,
  isLost,
  mendedMs,
  accepted,
}: Pick<ProofFinding, 'kind' | 'what' | 'isLost' | 'mendedMs' | 'accepted'>): { found: string; became: string } {
  const found =
    kind === 'damage'
      ? 'Stored data was found damaged, before anybody needed it.'
      : (what ?? 'A recovery test failed.');
  if (isLost)
    return {
      found,
      became:
        accepted === null
          ? 'Part of it could not be mended. Your provider will speak with you.'
          : 'Part of it could not be mended and is lost for good: the backups that need it stay locked away.',
    };
  if (mendedMs !== null)
    return {
      found,
      became: kind === 'damage' ? 'Mended and checked again' : 'A later test, as deep as this one, passed',
    };
  return { found, became: 'Not mended yet.' };
}
