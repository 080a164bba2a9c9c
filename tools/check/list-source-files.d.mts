export function listSourceFiles(root: string): string[];
