/** Tests of whole systems in words, and disk images by their names. Without a library: it runs in sandboxes, too. */
import type { BootTest, SystemTests } from './system-tests.ts';

/** Files and folders of the restore point that are named. */
export function neededPaths({ boot, script }: SystemTests): string[] {
  return [...(boot === undefined || boot.image === 'only' ? [] : [boot.image]), ...(script?.needs ?? [])];
}

/** By the end of its name; what is in it is seen when it is opened. */
const IMAGE_NAME = /\.(?:img|qcow2|raw|vdi|vhdx?|vmdk)$/i;

/** The disk images among the files of a restore point. Of a descriptor and its flat file, the flat one is the disk. */
export function diskImagesOf(paths: readonly string[]): string[] {
  const images = paths.filter((path) => IMAGE_NAME.test(path));
  const all = new Set(images);
  return images.filter((path) => !(/\.vmdk$/i.test(path) && all.has(path.replace(/\.vmdk$/i, '-flat.vmdk'))));
}

/** What shows that the system came up, a line each, for people. */
export function bootWords(test: BootTest): string[] {
  const { serial, screen, port, login } = test;
  return [
    ...(serial === undefined ? [] : [`“${serial}” on the serial console`]),
    ...(screen === undefined
      ? []
      : [
          `something on the screen that stays for ${screen.stableSeconds} s${screen.contains === undefined ? '' : `, with “${screen.contains}” in it`}`,
        ]),
    ...(port === undefined ? [] : [`an answer with “${port.expect}” at port ${port.port}`]),
    ...(login === undefined ? [] : [`a sign-in at the serial console, up to “${login.at(-1)!.expect}”`]),
  ];
}
