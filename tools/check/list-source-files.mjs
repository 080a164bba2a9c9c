import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

const CODE = /\.(?:ts|tsx|mts|cts|js|jsx|mjs|cjs)$/;
const NOT_SOURCE = new Set([
  'node_modules',
  '.git',
  '.next',
  'dist',
  '.holdfast',
  'coverage',
  'test-results',
  'playwright-report',
]);

/**
 * Every code file under `root`, relative, in the order of names. In a git checkout these are the tracked files and the new
 * ones that are not ignored; elsewhere everything but what is never source.
 */
export function listSourceFiles(root) {
  const files = existsSync(path.join(root, '.git')) ? filesOfGit(root) : filesOfFolder(root, '');
  return files.filter((file) => CODE.test(file)).sort();
}

function filesOfGit(root) {
  const text = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  // A file that was deleted and not yet committed is still listed.
  return text.split('\0').filter((file) => file !== '' && existsSync(path.join(root, file)));
}

function filesOfFolder(root, folder) {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return NOT_SOURCE.has(entry.name) ? [] : filesOfFolder(root, file);
    return entry.isFile() ? [file] : [];
  });
}
