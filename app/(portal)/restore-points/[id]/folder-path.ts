/** A folder path inside a snapshot: absolute, without empty, `.` and `..` parts, without a trailing slash. */
export function normalFolder(wanted: string): string {
  const parts: string[] = [];
  for (const part of wanted.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

export function childPath(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

/** The folders from the root to this one, each with its name and path. */
export function folderTrail(folder: string): { name: string; path: string }[] {
  const parts = folder.split('/').filter((part) => part !== '');
  return parts.map((name, at) => ({ name, path: `/${parts.slice(0, at + 1).join('/')}` }));
}
