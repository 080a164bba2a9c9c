export interface Reach {
  files: string[];
  threads: string[];
  packages: string[];
  missed: string[];
}

export function reachFrom(root: string, entry: string): Reach;
