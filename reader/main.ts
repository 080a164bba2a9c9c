/** The page: choose a folder, give its password, look at restore points and folders, save files. */
import { publicMessage } from '../core/base/errors.ts';
import type { SnapshotWithId, TreeNode } from '../core/repository/types.ts';
import { openWebRepository, type WebRepository } from '../core/repository/web/open-web-repository.ts';
import { type ChosenRepository, repositoriesAmong } from '../core/storage/web/file-list-store.ts';
import { element } from './element.ts';
import { saveFile } from './save-file.ts';
import { type FolderPlace, showFolder } from './show-folder.ts';
import { showSnapshots } from './show-snapshots.ts';
import { sizeWords, visibleName } from './words.ts';

/** @throws Error when the page is not the one that this program was built with. */
function part<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

const chooser = part('chooser', HTMLFormElement);
const folder = part('folder', HTMLInputElement);
const chosenWords = part('chosen', HTMLParagraphElement);
const which = part('which', HTMLSelectElement);
const whichRow = part('which-row', HTMLDivElement);
const password = part('password', HTMLInputElement);
const open = part('open', HTMLButtonElement);
const status = part('status', HTMLParagraphElement);
const problem = part('problem', HTMLParagraphElement);
const contents = part('contents', HTMLDivElement);
const closer = part('close', HTMLButtonElement);

let chosen: ChosenRepository[] = [];
/** Counts what was asked for; what comes late for something else is dropped. */
let turn = 0;

function say(words: string): void {
  status.textContent = words;
}

function complain(error: unknown): void {
  say('');
  problem.textContent = typeof error === 'string' ? error : publicMessage(error);
  problem.hidden = false;
}

function quiet(): void {
  problem.hidden = true;
  problem.textContent = '';
}

folder.addEventListener('change', () => {
  quiet();
  chosen = repositoriesAmong(folder.files ?? []);
  which.replaceChildren(...chosen.map(({ path }, at) => element('option', { value: String(at) }, visibleName(path))));
  whichRow.hidden = chosen.length < 2;
  const [only] = chosen;
  chosenWords.textContent =
    only === undefined
      ? ''
      : chosen.length === 1
        ? `Found: ${visibleName(only.path)}`
        : `Found ${chosen.length} repositories.`;
  if (only === undefined && (folder.files?.length ?? 0) > 0)
    complain(
      'There is no repository in this folder. A repository has a file “config” and folders “data”, “index”, “keys” and “snapshots”.',
    );
  open.disabled = only === undefined;
  if (only !== undefined) password.focus();
});

chooser.addEventListener('submit', (event) => {
  event.preventDefault();
  const repository = chosen[Number(which.value) || 0];
  if (repository !== undefined) void openChosen(repository);
});

closer.addEventListener('click', () => {
  turn += 1;
  document.body.classList.remove('is-open');
  contents.replaceChildren();
  password.value = '';
  quiet();
  say('');
  folder.focus();
});

async function openChosen({ path, store }: ChosenRepository): Promise<void> {
  quiet();
  open.disabled = true;
  say('Opening… checking the password takes a moment.');
  try {
    const repository = await openWebRepository(store, password.value, {
      onIndex: (files) => say(`Opening… ${files} index files read.`),
    });
    const list = await repository.listSnapshots();
    document.body.classList.add('is-open');
    const side = element('div', { class: 'side' }, element('p', { class: 'quiet' }, visibleName(path)));
    const main = element(
      'div',
      { class: 'main' },
      element('p', { class: 'empty' }, 'Choose a restore point to see its files.'),
    );
    side.append(
      showSnapshots(list, (snapshot) => enter(repository, main, rootOf(snapshot))),
      ...repository.damagedIndexes.map(({ message }) => element('p', { class: 'problem', role: 'note' }, message)),
    );
    contents.replaceChildren(side, main);
    say('');
    password.value = '';
    contents.querySelector<HTMLButtonElement>('.points button')?.focus();
  } catch (error) {
    complain(error);
    password.select();
  } finally {
    open.disabled = false;
  }
}

function rootOf(snapshot: SnapshotWithId): readonly FolderPlace[] {
  return [{ name: '', treeId: snapshot.tree }];
}

function enter(repository: WebRepository, main: HTMLElement, way: readonly FolderPlace[]): void {
  const mine = ++turn;
  quiet();
  say('Reading the folder…');
  const view = {
    repository,
    way,
    onEnter: (next: readonly FolderPlace[]) => enter(repository, main, next),
    onSave: (node: TreeNode) => void save(repository, node),
  };
  showFolder(view).then(
    (shown) => {
      if (mine !== turn) return;
      main.replaceChildren(shown);
      say('');
    },
    (error: unknown) => {
      if (mine === turn) complain(error);
    },
  );
}

let isSaving = false;

async function save(repository: WebRepository, node: TreeNode): Promise<void> {
  if (isSaving) return say('One file at a time: the last one is still being saved.');
  isSaving = true;
  quiet();
  const name = visibleName(node.name);
  const total = Number(node.size ?? 0n);
  let done = 0;
  say(`Reading ${name}…`);
  try {
    const isSaved = await saveFile(repository, node, (bytes) => {
      done += bytes;
      say(`Reading ${name}… ${sizeWords(done)} of ${sizeWords(total)}`);
    });
    say(
      isSaved
        ? `Saved ${name}, ${sizeWords(done)}. Every piece of it has the checksum that it was backed up with.`
        : '',
    );
  } catch (error) {
    complain(error);
    problem.prepend(`${name} was not saved. `);
  } finally {
    isSaving = false;
  }
}
