import { readFileSync } from 'node:fs';

/** What the command line passes. Unknown flags are refused: a new Prisma would otherwise be misunderstood in silence. */
export function parseArguments(argv) {
  const options = { wantsVersion: false, command: undefined, datamodels: [], datasource: {} };
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index];
    const next = () => argv[++index];
    if (word === '--version') options.wantsVersion = true;
    else if (word === '--datamodels') {
      const path = next();
      options.datamodels.push([path, readFileSync(path, 'utf8')]);
    } else if (word === '--datasource') options.datasource = JSON.parse(next());
    else if (word === '--enabled-preview-features' || word === '--extension-types') next();
    else if (word === 'cli') options.command = next();
    else
      throw new Error(`The schema engine was started with "${word}", which this version of Prisma is not known to do.`);
  }
  return options;
}
