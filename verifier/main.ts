/** The page: files in, verdicts out. */
import { canCheckSignatures } from '../core/evidence/chain.ts';
import { recordWords, verdictWords } from '../core/evidence/record-words.ts';
import type { SignedText } from '../core/evidence/record.ts';
import { sortFiles } from '../core/evidence/sort-files.ts';
import { type BundleCheck, verifyBundle } from '../core/evidence/verify-bundle.ts';
import { element } from '../reader/element.ts';

const RECORDS_SHOWN_MAX = 500;

/** @throws Error when the page is not the one that this program was built with. */
function part<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

const files = part('files', HTMLInputElement);
const key = part('key', HTMLInputElement);
const problem = part('problem', HTMLParagraphElement);
const results = part('results', HTMLDivElement);

/** Counts what was asked for; what comes late for something else is dropped. */
let turn = 0;

function complain(words: string): void {
  problem.textContent = words;
  problem.hidden = words === '';
}

async function check(): Promise<void> {
  const mine = ++turn;
  complain('');
  const chosen = [...(files.files ?? [])];
  const trusted = key.value.trim().toLowerCase();
  if (chosen.length === 0) {
    results.replaceChildren();
    return;
  }
  if (trusted !== '' && !/^[0-9a-f]{64}$/.test(trusted)) {
    complain('The name of a key has 64 letters and digits. Leave the field empty if you do not know it.');
    return;
  }
  if (!(await canCheckSignatures())) {
    complain(
      'This browser cannot check such signatures here. Use a current version of Chrome, Edge, Firefox or Safari, open this page over https or from a file, or use the command: holdfast verify-evidence FILE',
    );
    return;
  }
  const read = await Promise.all(chosen.map(async (file) => ({ name: file.name, text: await file.text() })));
  const { bundles, anchorsFor } = sortFiles(read);
  const sections: HTMLElement[] = [];
  for (const bundle of bundles) {
    const anchors: readonly SignedText[] = anchorsFor(bundle);
    const found = await verifyBundle(bundle.text, { anchors, trustedKeys: trusted === '' ? [] : [trusted] });
    sections.push(sectionOf(bundle.name, found));
  }
  if (mine !== turn) return;
  if (bundles.length === 0) complain('These are only anchors. Choose the evidence file with them.');
  results.replaceChildren(...sections);
}

function sectionOf(name: string, found: BundleCheck): HTMLElement {
  const { facts, findings, limits, records, isSound } = found;
  const section = element('section', { class: isSound ? 'sound' : 'unsound' });
  section.append(element('p', { class: 'quiet' }, name), element('h2', {}, verdictWords(found)));
  if (findings.length > 0)
    section.append(element('ul', { class: 'findings' }, ...findings.map(({ words }) => element('li', {}, words))));
  if (facts === null) return section;
  const { passed, failed, void: empty, withdrawn } = facts.drills;
  const rows: [string, string][] = [
    ['Customer', facts.customer],
    ['Provider', facts.provider],
    ['Contains', `${facts.contents}; ${facts.records} records`],
    ['Restore tests', `${passed} passed, ${failed} failed, ${empty} proved nothing, ${withdrawn} withdrawn`],
    ['Anchored', facts.anchoredUpTo === null ? 'not yet' : `up to record ${facts.anchoredUpTo}`],
    ['The machines’ own lists', `${facts.manifests} compared`],
    ['Taken', dateWords(facts.madeAt)],
  ];
  const list = element('dl', { class: 'facts' });
  for (const [term, words] of rows) list.append(element('dt', {}, term), element('dd', {}, words));
  for (const id of facts.keys) list.append(element('dt', {}, 'Signed with'), element('dd', { class: 'key' }, id));
  section.append(list, tableOf(records));
  if (limits.length > 0)
    section.append(
      element('p', { class: 'quiet' }, 'What this check cannot tell:'),
      element('ul', { class: 'limits quiet' }, ...limits.map((words) => element('li', {}, words))),
    );
  return section;
}

function tableOf(records: BundleCheck['records']): HTMLElement {
  const heads = ['No.', 'When (UTC)', 'What', 'Result'].map((words) => element('th', { scope: 'col' }, words));
  const rows = records.slice(0, RECORDS_SHOWN_MAX).map((record) => {
    const { sequence, at, what, result, tone } = recordWords(record);
    return element(
      'tr',
      {},
      element('td', {}, String(sequence)),
      element('td', { class: 'time' }, dateWords(at)),
      element('td', {}, what),
      element('td', { class: tone }, result),
    );
  });
  return element('table', {}, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows));
}

function dateWords(at: string): string {
  return at.slice(0, 16).replace('T', ' ');
}

files.addEventListener('change', () => void check());
key.addEventListener('input', () => void check());
part('chooser', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  void check();
});
