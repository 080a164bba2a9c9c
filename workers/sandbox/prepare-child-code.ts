/**
 * The child's code as plain JavaScript. Node strips types with a compiler in WebAssembly, which the child and each of its threads
 * would load anew, for they may keep nothing: a quarter of a second of a processor every time, as much as checking 40 MiB.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import { koffiFolders } from '../../core/base/native/koffi-folders.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CHILD = path.join(import.meta.dirname, 'child.ts');
/** Whoever may write here may change the packages beside it too. `npm ci` removes what older code left. */
const CACHE = path.join(ROOT, 'node_modules/.cache/holdfast/sandbox');
/** What this repository's code names of itself: import, import() and new URL() of a thread. */
const OWN_FILE = /(['"])(\.\.?\/[^'"\n]+)\.(ts|json)\1/g;

export interface ChildCode {
  readonly childFile: string;
  /** Folders that hold it, and the packages that it runs; koffi's are for those to add that may call functions. */
  readonly readable: readonly string[];
}

let prepared: ChildCode | undefined;

/** Once a process. Where nothing can be kept beside the packages, the child runs the TypeScript: later, and not otherwise different. */
export function prepareChildCode(): ChildCode {
  prepared ??= inJavaScript() ?? {
    childFile: CHILD,
    readable: [path.join(ROOT, 'core'), import.meta.dirname, ...packageFolders()],
  };
  return prepared;
}

/** For a build that makes images: what a process that may write nothing there then finds. */
if (import.meta.main) console.log(prepareChildCode().childFile);

function inJavaScript(): ChildCode | undefined {
  try {
    const files = filesFrom(CHILD);
    const hash = createHash('sha256').update(process.version);
    for (const [file, text] of files) hash.update(`\0${path.relative(ROOT, file)}\0${text}`);
    const packages = packageFolders();
    const linked = [...packages, ...koffiFolders()];
    for (const real of linked) hash.update(`\0${real}`);
    const folder = path.join(CACHE, hash.digest('hex').slice(0, 32));
    if (!existsSync(folder)) write(folder, files, linked);
    return { childFile: placeOf(folder, CHILD), readable: [folder, ...packages] };
  } catch {
    return undefined; // the folder belongs to somebody else, or the disk is full
  }
}

/** The file and all that it reaches, with their texts. */
function filesFrom(entry: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const add = (file: string): void => {
    if (files.has(file)) return;
    const text = readFileSync(file, 'utf8');
    files.set(file, text);
    for (const [, , name, ending] of text.matchAll(OWN_FILE)) add(path.resolve(file, '..', `${name}.${ending}`));
  };
  add(entry);
  return files;
}

/** Another process may do the same at the same time: what is there is there whole. */
function write(folder: string, files: ReadonlyMap<string, string>, packages: readonly string[]): void {
  const draft = `${folder}.${randomBytes(8).toString('hex')}`;
  try {
    for (const [file, text] of files) {
      const place = placeOf(draft, file);
      mkdirSync(path.dirname(place), { recursive: true });
      writeFileSync(place, file.endsWith('.ts') ? plain(text) : text);
    }
    writeFileSync(path.join(draft, 'package.json'), '{ "type": "module" }\n');
    for (const real of packages) {
      const link = path.join(draft, 'node_modules', nameOf(real));
      mkdirSync(path.dirname(link), { recursive: true });
      symlinkSync(real, link);
    }
    openToRead(draft);
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/** The child may be another user, whatever this process keeps from others. */
function openToRead(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) openToRead(place);
    else if (entry.isFile()) chmodSync(place, 0o644);
  }
}

function plain(text: string): string {
  return stripTypeScriptTypes(text).replace(OWN_FILE, (own, quote: string, name: string, ending: string) =>
    ending === 'ts' ? `${quote}${name}.js${quote}` : own,
  );
}

function placeOf(folder: string, file: string): string {
  return path.join(folder, path.relative(ROOT, file).replace(/\.ts$/, '.js'));
}

/** The packages that every child may run, where they really lie. */
function packageFolders(): string[] {
  const zip = createRequire(import.meta.url).resolve('yazl');
  const checksum = createRequire(zip).resolve('buffer-crc32');
  return [
    [zip, 'yazl'],
    [checksum, 'buffer-crc32'],
  ].map(([file, name]) => {
    const real = realpathSync(file!);
    return real.slice(0, real.lastIndexOf(`${path.sep}${name}${path.sep}`) + name!.length + 1);
  });
}

function nameOf(packageFolder: string): string {
  const modules = `${path.sep}node_modules${path.sep}`;
  return packageFolder.slice(packageFolder.lastIndexOf(modules) + modules.length);
}
