import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** What a confined process has to see so that it can call native functions: koffi's folder and its library's. Empty where it is not installed. */
export function koffiFolders(): string[] {
  try {
    const main = createRequire(import.meta.url).resolve('koffi');
    const library = createRequire(main).resolve(`@koromix/koffi-${process.platform}-${process.arch}`);
    return [main, library].map((file) => path.dirname(realpathSync(file)));
  } catch {
    return []; // slower, and not otherwise different
  }
}
