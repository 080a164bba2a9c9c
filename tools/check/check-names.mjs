/**
 * Holds names and folders against the rules of CONTRIBUTING.md: kebab-case files, no drawers (`utils` and the like), no barrel
 * files, no source file beyond the size that one thing needs, and a README in every folder of the first two levels.
 *
 *   node tools/check/check-names.mjs [folder]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { listSourceFiles } from './list-source-files.mjs';

/** Letters, digits and dashes, then endings such as .client.tsx or .db.test.ts. */
const FILE_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9-]+)*\.[a-z]+$/;
/** Route folders of Next: (group), [parameter], _private. */
const FOLDER_NAME = /^(?:[_.]?[a-z0-9]+(?:-[a-z0-9]+)*|\([a-z-]+\)|\[(?:\.\.\.)?[a-zA-Z]+\])$/;
const DRAWERS = ['utils', 'util', 'helpers', 'helper', 'common', 'manager', 'shared', 'misc'];
/** "About 400": a file a little over is read, not cut at any price. */
const LINES_MAX = 450;

const HEAD_COMMENT = /^(?:#!.*\n)?\s*(?:\/\*\*|\/\/)/;
/** Folders whose content is data or made by a program. */
const WITHOUT_README = ['prisma/migrations', 'docs/images', 'docs/decisions', 'server/db', 'node_modules'];

/** `{ files, violations }`; a violation is `{ file, text }`. */
export function checkNames(root) {
  const files = listSourceFiles(root);
  const violations = [];
  const report = (file, text) => violations.push({ file, text });
  if (files.length === 0) report('.', 'no source file was found');
  for (const file of files) {
    const name = path.posix.basename(file);
    if (!FILE_NAME.test(name)) report(file, 'file names are kebab-case');
    const folders = path.posix
      .dirname(file)
      .split('/')
      .filter((folder) => folder !== '.');
    for (const folder of folders)
      if (!FOLDER_NAME.test(folder)) report(file, `the folder name ${folder} is not kebab-case`);
    const words = [...folders, name.replace(/\..*$/, '')].flatMap((part) => part.split(/[^a-z]+/i));
    const drawer = words.find((word) => DRAWERS.includes(word.toLowerCase()));
    if (drawer !== undefined) report(file, `"${drawer}" says nothing; name what it does`);
    checkContent(file, readFileSync(path.join(root, file), 'utf8'), report);
  }
  for (const folder of foldersOfTwoLevels(files)) {
    if (!WITHOUT_README.includes(folder) && !isExplained(root, folder))
      report(folder, 'has neither a README.md nor a head comment');
  }
  return { files: files.length, violations };
}

function checkContent(file, text, report) {
  const lines = text.split('\n');
  if (lines.length > LINES_MAX && !file.endsWith('-wasm.ts'))
    report(file, `has ${lines.length} lines; at most ${LINES_MAX}`);
  const statements = lines.filter((line) => line.trim() !== '' && !/^\s*(?:\/\/|\/\*|\*)/.test(line));
  const isBarrel =
    statements.length > 0 && statements.every((line) => /^export (?:type )?(?:\*|\{).* from /.test(line));
  if (isBarrel) report(file, 'only passes on what other files export; import those');
}

/** Every folder of the first two levels that holds source. */
function foldersOfTwoLevels(files) {
  const folders = new Set();
  for (const file of files) {
    const [first, second, ...rest] = file.split('/');
    if (second === undefined) continue;
    folders.add(first);
    if (rest.length > 0) folders.add(`${first}/${second}`);
  }
  return folders;
}

/** A README, a line in the README of the folder above, or files that each begin by saying what they are for. */
function isExplained(root, folder) {
  if (existsSync(path.join(root, folder, 'README.md'))) return true;
  const [parent, name] = folder.split('/');
  const above = path.join(root, parent, 'README.md');
  if (name !== undefined && existsSync(above) && readFileSync(above, 'utf8').includes(`\`${name}/`)) return true;
  const isCode = (file) => /\.(?:tsx?|mjs)$/.test(file) && !file.includes('.test.');
  const code = readdirSync(path.join(root, folder)).filter(isCode);
  return (
    code.length > 0 && code.every((file) => HEAD_COMMENT.test(readFileSync(path.join(root, folder, file), 'utf8')))
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? fileURLToPath(new URL('../..', import.meta.url));
  const { files, violations } = checkNames(root);
  for (const { file, text } of violations) console.error(`${file}: ${text}`);
  console.log(`${files} files, ${violations.length} violations`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
