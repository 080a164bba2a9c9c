/** One folder of a snapshot: the way to it, and its entries. */
import { isPlainName } from '../core/filesystem/plain-name.ts';
import type { TreeNode } from '../core/repository/types.ts';
import type { WebRepository } from '../core/repository/web/open-web-repository.ts';
import { button, element } from './element.ts';
import { countWords, sizeWords, timeWords, visibleName } from './words.ts';

/** More rows at once make a page slow. */
const ROWS_AT_ONCE = 500;

export interface FolderPlace {
  readonly name: string;
  readonly treeId: string;
}

export interface FolderView {
  readonly repository: WebRepository;
  /** From the snapshot's root to the folder that is shown. */
  readonly way: readonly FolderPlace[];
  onEnter(way: readonly FolderPlace[]): void;
  onSave(node: TreeNode): void;
}

const KINDS: Readonly<Record<string, string>> = {
  symlink: 'Link',
  dev: 'Device',
  chardev: 'Device',
  fifo: 'Pipe',
  socket: 'Socket',
  irregular: 'Other',
};

/** @throws HoldfastError repository_damaged when the folder's listing cannot be read. */
export async function showFolder(view: FolderView): Promise<HTMLElement> {
  const { repository, way } = view;
  const all = await repository.listFolder(way.at(-1)!.treeId); // a way has at least its root
  const nodes = all.filter(({ name }) => isPlainName(name)).sort(foldersFirst);
  const files = nodes.filter(({ type }) => type === 'file');
  const bytes = files.reduce((sum, { size }) => sum + Number(size ?? 0n), 0);
  const folders = nodes.filter(({ type }) => type === 'dir').length;
  const words = [
    folders > 0 ? countWords(folders, 'folder', 'folders') : undefined,
    countWords(files.length, 'file', 'files'),
    files.length > 0 ? sizeWords(bytes) : undefined,
    all.length > nodes.length
      ? `${countWords(all.length - nodes.length, 'entry', 'entries')} with unsafe names left out`
      : undefined,
  ];
  return element(
    'section',
    { class: 'folder', 'aria-label': 'Folder' },
    breadcrumbs(view),
    element('p', { class: 'quiet' }, words.filter((word) => word !== undefined).join(', ')),
    nodes.length === 0 ? element('p', { class: 'empty' }, 'This folder is empty.') : table(view, nodes),
  );
}

function foldersFirst(a: TreeNode, b: TreeNode): number {
  return Number(b.type === 'dir') - Number(a.type === 'dir'); // sort is stable: names stay in their order
}

function breadcrumbs({ way, onEnter }: FolderView): HTMLElement {
  const list = element('ol', {});
  for (const [at, place] of way.entries()) {
    const isHere = at === way.length - 1;
    const label = at === 0 ? 'All files' : place.name;
    list.append(
      element(
        'li',
        {},
        isHere
          ? element('span', { 'aria-current': 'page' }, label)
          : button(label, { class: 'link' }, () => onEnter(way.slice(0, at + 1))),
      ),
    );
  }
  return element('nav', { class: 'way', 'aria-label': 'Where you are' }, list);
}

function table(view: FolderView, nodes: readonly TreeNode[]): HTMLElement {
  const body = element('tbody', {});
  const whole = element(
    'div',
    {},
    element(
      'table',
      {},
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          element('th', { scope: 'col' }, 'Name'),
          element('th', { scope: 'col', class: 'size' }, 'Size'),
          element('th', { scope: 'col', class: 'time' }, 'Changed'),
          element('th', { scope: 'col', class: 'act' }, element('span', { class: 'unseen' }, 'Save')),
        ),
      ),
      body,
    ),
  );
  const showMore = (from: number): void => {
    const to = Math.min(nodes.length, from + ROWS_AT_ONCE);
    body.append(...nodes.slice(from, to).map((node) => row(view, node)));
    if (to === nodes.length) return;
    const more = button(`Show more (${(nodes.length - to).toLocaleString('en')} left)`, { class: 'more' }, () => {
      more.remove();
      showMore(to);
    });
    whole.append(more);
  };
  showMore(0);
  return whole;
}

function row(view: FolderView, node: TreeNode): HTMLElement {
  const name = visibleName(node.name);
  const isFile = node.type === 'file';
  const { subtree } = node;
  const label =
    subtree === undefined
      ? element('span', {}, name)
      : button(name, { class: 'link' }, () => view.onEnter([...view.way, { name, treeId: subtree }]));
  const target =
    node.linkTarget === undefined
      ? undefined
      : element('span', { class: 'quiet' }, ` → ${visibleName(node.linkTarget)}`);
  return element(
    'tr',
    { class: node.type },
    element(
      'td',
      {},
      element(
        'div',
        { class: 'entry' },
        element('span', { class: 'icon', 'aria-hidden': 'true' }),
        element('span', { class: 'text' }, label, target),
      ),
    ),
    element('td', { class: 'size' }, isFile ? sizeWords(Number(node.size ?? 0n)) : (KINDS[node.type] ?? '')),
    element('td', { class: 'time' }, timeWords(node.mtime)),
    element(
      'td',
      { class: 'act' },
      isFile ? button('Save', { 'aria-label': `Save ${name}` }, () => view.onSave(node)) : undefined,
    ),
  );
}
