/** Names inside a zip: safe for whoever unpacks it, and never two alike in one folder. */

const MAX_NAME_LENGTH = 200;

/** One name of a zip path. Separators of any system and what leads upwards are replaced; everything else stays readable. */
export function zipName(name: string): string {
  const plain = name.replace(/[/\\\0]/g, '_').replace(/^([a-zA-Z]):/, '$1_');
  const cut = plain.length > MAX_NAME_LENGTH ? Array.from(plain).slice(0, MAX_NAME_LENGTH).join('') : plain;
  return cut === '' || cut === '.' || cut === '..' ? '_' : cut;
}

/** Gives each name of one folder its zip name; what collides (replaced characters can make two alike) gets a number. */
export class ZipFolderNames {
  readonly #taken = new Set<string>();

  take(name: string): string {
    const wanted = zipName(name);
    let free = wanted;
    for (let n = 2; this.#taken.has(free); n++) {
      const dot = wanted.lastIndexOf('.');
      free = dot > 0 ? `${wanted.slice(0, dot)} (${n})${wanted.slice(dot)}` : `${wanted} (${n})`;
    }
    this.#taken.add(free);
    return free;
  }
}
