/** A signed record as people read it: what it says, field by field, in words. Nothing here is not in the signed text. */
import type { EvidenceRecord } from '../../../../core/evidence/record.ts';
import { recordWords } from '../../../../core/evidence/record-words.ts';
import { RTO_PARTS } from '../../../../core/domain/rto-parts.ts';
import {
  LEVEL_SENTENCES,
  POINT_CHOICE_WORDS,
  RTO_PART_WORDS,
  RUNNER_WORDS,
  SCOPE_WORDS,
} from '../../../_ui/drill-words.ts';
import {
  formatBytes,
  formatCountOf,
  formatDuration,
  formatElapsed,
  formatExact,
} from '../../../../core/domain/format.ts';

export interface RecordFact {
  readonly key: string;
  readonly value: string;
}

type DrillBody = Extract<EvidenceRecord, { kind: 'drill' }>['body'];

export function recordFacts(record: EvidenceRecord, timeZone: string): RecordFact[] {
  if (record.kind === 'drill') return drillFacts(record.body, timeZone);
  const { what, result } = recordWords(record);
  return [
    { key: 'What', value: what },
    ...(result === '' ? [] : [{ key: 'Said', value: result }]),
    { key: 'When', value: formatExact(Date.parse(record.at), timeZone) },
  ];
}

function drillFacts(body: DrillBody, timeZone: string): RecordFact[] {
  const { systems, scope, restorePoint, rpo, rto, level, checks, result, performer, sandbox, selection } = body;
  const { device, source, policy } = systems;
  const time = (at: string): string => formatExact(Date.parse(at), timeZone);
  const parts = RTO_PARTS.flatMap((part) => {
    const ms = rto.partsMs[part];
    return ms === undefined ? [] : [`${RTO_PART_WORDS[part].toLowerCase()} ${formatElapsed(ms)}`];
  });
  const passed = checks.filter(({ state }) => state === 'passed').length;
  return [
    { key: 'Result', value: resultWords(body) },
    { key: 'Ended', value: time(body.date.finishedAt) },
    {
      key: 'System',
      value: `${device.name} (${device.hostname}, ${device.os}, agent ${device.agentVersion}), ${source.name}`,
    },
    { key: 'Policy', value: `${policy.name}, version ${policy.version}` },
    {
      key: 'Restored from',
      value: `${POINT_CHOICE_WORDS[restorePoint.choice as keyof typeof POINT_CHOICE_WORDS] ?? restorePoint.choice}: the state of ${time(restorePoint.capturedAt)}, snapshot ${restorePoint.snapshotId.slice(0, 12)}…`,
    },
    {
      key: 'Amount',
      value: `${SCOPE_WORDS[scope.kind]}: ${formatCountOf(scope.filesTested, 'file')} (${formatBytes(scope.bytesTested)}) of ${formatCountOf(scope.filesInPoint, 'file')} (${formatBytes(scope.bytesInPoint)})`,
    },
    {
      key: 'Level',
      value: `${level.reached} of ${level.asked} asked for${level.reached === 0 ? '' : `: ${LEVEL_SENTENCES[level.reached]?.means ?? ''}`}`,
    },
    {
      key: 'Age of the data',
      value: `${rpo.dataAgeMs === null ? 'not known' : formatDuration(rpo.dataAgeMs)}; the target is ${formatDuration(rpo.targetMinutes * 60_000)}${rpo.newestBusinessAt === null ? '' : `; newest entry inside ${time(rpo.newestBusinessAt)}`}`,
    },
    {
      key: 'Time to recover',
      value: `${rto.elapsedMs === null ? 'not measured' : formatElapsed(rto.elapsedMs)}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}${rto.estimatedFullMs === null ? '' : `; everything about ${formatElapsed(rto.estimatedFullMs)}, by estimate`}; the target is ${formatDuration(rto.targetMinutes * 60_000)}`,
    },
    ...(checks.length === 0
      ? []
      : [
          {
            key: 'Looked at',
            value: `${passed} of ${formatCountOf(checks.length, 'look')} passed: ${checkWords(body)}`,
          },
        ]),
    {
      key: 'Performed',
      value: `${RUNNER_WORDS[performer.kind]}, ${performer.orderedBy === null ? 'as the policy asks' : `ordered by ${performer.orderedBy.name}`}`,
    },
    {
      key: 'Confined by',
      value: sandbox.layers.length > 0 ? sandbox.layers.join(', ') : UNCONFINED[performer.kind],
    },
    ...(sandbox.warnings.length === 0 ? [] : [{ key: 'Weaker than it should be', value: sandbox.warnings.join(' ') }]),
    {
      key: 'Compared with',
      value:
        body.manifest === null
          ? 'hashes that the service holds'
          : `hashes of ${formatCountOf(selection.files.length, 'file')} that the machine itself has signed`,
    },
    ...(result.mismatches.length === 0
      ? []
      : [
          {
            key: 'Did not match',
            value: result.mismatches
              .slice(0, 20)
              .map(({ path }) => path)
              .join(', '),
          },
        ]),
  ];
}

function resultWords({ result }: DrillBody): string {
  const { verdict, filesMatched, filesRestored, message } = result;
  const words = { passed: 'Passed', failed: 'Failed', void: 'Proved nothing' }[verdict];
  return `${words}: ${filesMatched} of ${formatCountOf(filesRestored, 'restored file')} as the machine saw them${message === null ? '' : `. ${message}`}`;
}

const UNCONFINED = {
  service: 'nothing',
  agent: 'nothing: it ran on the machine whose data it is',
  kit: 'nothing: it ran where the kit was used',
} as const;

const CHECKS_NAMED = 8;

function checkWords({ checks }: DrillBody): string {
  const named = checks.slice(0, CHECKS_NAMED).map(({ name, state }) => `${name} ${state}`);
  return `${named.join(', ')}${checks.length > CHECKS_NAMED ? ', and more' : ''}`;
}
