/** Everything besides an entry's facts and contents that decides its text in a tree. */
import type { ZoneOffset } from '../format/go-text.ts';
import type { OwnerNames } from './owners.ts';

/** To be counted up whenever the same facts become another text: what was remembered before is then made anew. */
const TREE_FORM_VERSION = 2;
/** Two instants a year tell one zone's rules from another's. */
const ZONE_YEARS = 120;
const FIRST_YEAR = -60; // from 1970
const HALF_YEAR_SECONDS = 15_778_476;

export function treeForm(owners: OwnerNames, zone: ZoneOffset, hasAttributes: boolean): string {
  const offsets = Array.from({ length: ZONE_YEARS * 2 }, (_, half) =>
    zone((FIRST_YEAR * 2 + half) * HALF_YEAR_SECONDS),
  );
  return JSON.stringify([TREE_FORM_VERSION, owners.form, hasAttributes, offsets]);
}
