/** What keeps the restoring of strangers' data from harming the machine that does it, and what is said when a part is missing. */

export const CONFINEMENT_LAYERS = [
  'permission-model',
  'own-files',
  'other-user',
  'no-network',
  'resource-limits',
] as const;
export type ConfinementLayer = (typeof CONFINEMENT_LAYERS)[number];

const MISSING: Readonly<Record<ConfinementLayer, string>> = {
  'permission-model':
    'The restoring program ran without the limits of its own runtime. This does not weaken the result, only the protection of the machine that runs drills.',
  'own-files':
    'The restoring program could see the files of the machine that runs drills: mount namespaces are forbidden there. Allow user namespaces, or run the drill worker as root.',
  'other-user':
    'The restoring program ran as the user of the service and not as one without rights: only a drill worker that runs as root can change it.',
  'no-network':
    'The restoring program was not cut off from the network: network namespaces are forbidden on the machine that runs drills.',
  'resource-limits':
    'The restoring program ran without limits of the kernel for processor time and files: install util-linux on the machine that runs drills.',
};

/** A sentence for each layer that was not in force, for the drill's page. */
export function confinementWarnings(layers: readonly string[]): string[] {
  return CONFINEMENT_LAYERS.filter((layer) => !layers.includes(layer)).map((layer) => MISSING[layer]);
}
