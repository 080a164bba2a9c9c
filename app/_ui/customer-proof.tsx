import { IconDownload, IconShieldSearch } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { DRILL_LEVELS } from '../../core/domain/drill-coverage.ts';
import { PROOF_ROWS, type ProofFinding, type ProofTest, type ProofView } from '../../server/drills/view-proof.ts';
import classes from './customer-proof.module.css';
import { monthName } from './customer-sentence.ts';
import { type Column, DataTable } from './data-table.tsx';
import { LEVEL_SENTENCES } from './drill-words.ts';
import { EmptyState } from './empty-state.tsx';
import { formatCountOf, formatElapsed } from '../../core/domain/format.ts';
import { LiveRefresh } from './live-refresh.client.tsx';
import { Moment, type PageClock, ShortTime } from './moment.tsx';
import { type Crumb, PageHeader } from './page-header.tsx';
import { PageLinks } from './page-links.tsx';
import { Panel } from './panel.tsx';
import { findingWords, proofSentence, proofWord, recoveryWords, testSentence } from './proof-words.ts';
import { DRILL_WORDS, type StateWord } from './state-words.ts';
import { StatusBadge } from './status-badge.tsx';
import { TwoColumns } from './two-columns.tsx';

/** A customer's proof in plain words, for their own people and for staff who look at it with their eyes. */
export function CustomerProof({
  view,
  path,
  page,
  crumbs = [],
}: {
  view: ProofView;
  path: string;
  page: number;
  crumbs?: readonly Crumb[];
}): ReactNode {
  const clock: PageClock = { nowMs: view.nowMs, timeZone: view.customer.timeZone };
  return (
    <>
      <LiveRefresh isActive={false} />
      <PageHeader
        crumbs={crumbs}
        eyebrow="Proof"
        sentence={proofSentence(view)}
        support={`A backup is worth what comes back from it. So ${view.customer.name}’s backups are recovered in tests, and what came back is compared with what was there.`}
      />
      <div className={classes.stack}>
        <Panel title="Your systems" isFlush>
          {view.sources.length === 0 ? (
            <EmptyState icon={<IconShieldSearch size={24} />} title="No system is protected yet">
              Each one appears here with its last recovery test, or with the words “not yet proven”.
            </EmptyState>
          ) : (
            <Systems view={view} clock={clock} />
          )}
        </Panel>
      </div>
      <TwoColumns
        main={
          <Panel title="What was found and mended" isFlush={view.findings.length > 0}>
            {view.findings.length === 0 ? (
              <p className="hf-quiet">Nothing so far: no test has failed, and no stored data was found damaged.</p>
            ) : (
              <Findings findings={view.findings} clock={clock} />
            )}
          </Panel>
        }
        side={
          <>
            <Panel title="How deep a test goes">
              <dl className={classes.levels}>
                {DRILL_LEVELS.map((level) => (
                  <div key={level}>
                    <dt>
                      <span className={classes.level}>{level}</span> {LEVEL_SENTENCES[level]?.name}
                    </dt>
                    <dd>{LEVEL_SENTENCES[level]?.means}</dd>
                  </div>
                ))}
              </dl>
            </Panel>
            <Evidence view={view} />
          </>
        }
      />
      <Panel title="Every test" isFlush>
        {view.tests.rows.length === 0 ? (
          <EmptyState title="No test has ended yet">The first one follows the first backup by itself.</EmptyState>
        ) : (
          <Tests tests={view.tests.rows} clock={clock} />
        )}
        <PageLinks path={path} parameter="page" page={page} rows={PROOF_ROWS} total={view.tests.total} unit="test" />
      </Panel>
    </>
  );
}

function Systems({ view, clock }: { view: ProofView; clock: PageClock }): ReactNode {
  return (
    <ul className={classes.systems}>
      {view.sources.map((source) => (
        <li key={source.sourceId}>
          <div className={classes.head}>
            <Link href={`/devices/${source.deviceId}`} prefetch={false} className={classes.name}>
              {source.deviceName}
            </Link>
            <StatusBadge state={proofWord(source)} />
          </div>
          {source.proof === null ? (
            <p className={classes.words}>
              No recovery of it was tested so far. Until then it is not known whether it can be recovered.
            </p>
          ) : (
            <div className={classes.words}>
              <p>
                Last recovered in a test <Moment atMs={source.proof.endedMs} clock={clock} />, from the data of{' '}
                <ShortTime atMs={source.proof.captureMs} clock={clock} />. {LEVEL_SENTENCES[source.proof.level]?.means}
              </p>
              <p>
                {recoveryWords(source)}{' '}
                <Link href={`/drills/${source.proof.drillId}`} prefetch={false} className={classes.more}>
                  See this test
                </Link>
              </p>
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}

function Findings({ findings, clock }: { findings: readonly ProofFinding[]; clock: PageClock }): ReactNode {
  return (
    <ul className={classes.systems}>
      {findings.map((finding) => {
        const { found, became } = findingWords(finding);
        return (
          <li key={finding.id}>
            <div className={classes.head}>
              <span className={classes.name}>{finding.deviceName}</span>
              <StatusBadge state={findingWord(finding)} size="sm" />
              <span className="hf-quiet">
                found <ShortTime atMs={finding.foundMs} clock={clock} />
              </span>
            </div>
            <div className={classes.words}>
              <p>{found}</p>
              {finding.accepted !== null && (
                <p>
                  {finding.accepted.byName ?? 'Your provider'} accepted the loss on{' '}
                  <ShortTime atMs={finding.accepted.atMs} clock={clock} />: “{finding.accepted.reason}”
                </p>
              )}
              {finding.remedy !== null && <p>What was done: {finding.remedy}</p>}
              <p>
                {became}
                {finding.mendedMs !== null && (
                  <>
                    {' '}
                    <ShortTime atMs={finding.mendedMs} clock={clock} />
                  </>
                )}
                {finding.kind === 'drill' && (
                  <>
                    {' '}
                    <Link href={`/drills/${finding.id}`} prefetch={false} className={classes.more}>
                      See this test
                    </Link>
                  </>
                )}
                {finding.hasEvidence && (
                  <>
                    {' '}
                    <a href={`/api/damages/${finding.id}/evidence`} download className={classes.more}>
                      Download the signed records
                    </a>
                  </>
                )}
              </p>
            </div>
          </li>
        );
      })}
    </ul>
  );
}

function findingWord({ isLost, mendedMs }: ProofFinding): StateWord {
  if (isLost) return { word: 'Partly lost', tone: 'risk', shape: 'damage', meaning: '' };
  return mendedMs === null
    ? { word: 'Open', tone: 'risk', shape: 'cross', meaning: 'Not mended yet.' }
    : { word: 'Mended', tone: 'calm', shape: 'check', meaning: 'It was mended and tested again.' };
}

function Evidence({ view }: { view: ProofView }): ReactNode {
  const { customer, months } = view;
  const base = `/api/customers/${customer.id}/evidence`;
  return (
    <Panel title="Evidence to keep" note="signed files that anybody can check, without an account">
      {months.length === 0 ? (
        <p className="hf-quiet">The first file comes with the first test.</p>
      ) : (
        <>
          <ul className={classes.files}>
            {months.map(({ month, records }) => (
              <li key={month}>
                <a href={`${base}?month=${month}`} download>
                  <IconDownload size={16} aria-hidden="true" /> {monthName(month)} {month.slice(0, 4)}
                </a>
                <span className="hf-quiet">{formatCountOf(records, 'record')}</span>
              </li>
            ))}
            <li>
              <a href={base} download>
                <IconDownload size={16} aria-hidden="true" /> Everything so far
              </a>
            </li>
          </ul>
          <p className={classes.check}>
            An insurer or auditor checks such a file on{' '}
            <Link href="/verify" target="_blank" prefetch={false}>
              the page for checking
            </Link>
            , which works without a network and sends nothing to anybody.
          </p>
        </>
      )}
    </Panel>
  );
}

function Tests({ tests, clock }: { tests: readonly ProofTest[]; clock: PageClock }): ReactNode {
  const columns: Column<ProofTest>[] = [
    { key: 'when', header: 'When', cell: (test) => <ShortTime atMs={test.endedMs} clock={clock} /> },
    { key: 'system', header: 'System', cell: (test) => test.deviceName },
    { key: 'result', header: 'Result', cell: (test) => <StatusBadge state={DRILL_WORDS[test.state]} size="sm" /> },
    { key: 'what', header: 'What happened', cell: (test) => testSentence(test) },
    {
      key: 'took',
      header: 'Took',
      align: 'end',
      cell: (test) => (test.tookMs === null ? '–' : formatElapsed(test.tookMs)),
    },
  ];
  return (
    <DataTable
      label="Recovery tests, the newest first"
      columns={columns}
      rows={tests}
      rowKey={(test) => test.drillId}
      href={(test) => `/drills/${test.drillId}`}
    />
  );
}
