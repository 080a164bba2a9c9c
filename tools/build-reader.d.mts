export function buildReader(): Promise<string>;
