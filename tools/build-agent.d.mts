export function buildAgent(label?: string): Promise<string>;
