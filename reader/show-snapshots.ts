/** The list of restore points, the newest first. */
import type { SnapshotList } from '../core/repository/read-repository.ts';
import type { SnapshotWithId } from '../core/repository/types.ts';
import { element } from './element.ts';
import { sizeWords, timeWords, visibleName } from './words.ts';

export function showSnapshots(
  { snapshots, damaged }: SnapshotList,
  onChoose: (snapshot: SnapshotWithId) => void,
): HTMLElement {
  const list = element('ul', { class: 'points' });
  for (const snapshot of snapshots.toReversed()) {
    const about = [snapshot.hostname, ...(snapshot.tags ?? [])].filter(Boolean).map((word) => visibleName(word!));
    const bytes = snapshot.summary?.total_bytes_processed;
    const item = element(
      'button',
      { type: 'button', 'aria-pressed': 'false' },
      element('strong', {}, timeWords(snapshot.time)),
      element('span', {}, snapshot.paths.map(visibleName).join(', ')),
      element(
        'span',
        { class: 'quiet' },
        [...about, bytes === undefined ? '' : sizeWords(bytes)].filter(Boolean).join(' · '),
      ),
    );
    item.addEventListener('click', () => {
      for (const other of list.querySelectorAll('button')) other.setAttribute('aria-pressed', String(other === item));
      onChoose(snapshot);
    });
    list.append(element('li', {}, item));
  }
  return element(
    'section',
    { class: 'restore-points', 'aria-label': 'Restore points' },
    element('h2', {}, 'Restore points'),
    snapshots.length === 0
      ? element('p', { class: 'empty' }, 'There is no restore point in this repository yet.')
      : list,
    ...damaged.map(({ id, message }) =>
      element('p', { class: 'problem', role: 'note' }, `Restore point ${id.slice(0, 8)} cannot be read. ${message}`),
    ),
  );
}
