export interface CheckPart {
  name: string;
  command: string;
  args: readonly string[];
}

export function checkParts(root: string): CheckPart[];

export function runParts(
  parts: readonly CheckPart[],
  options: { cwd: string; print?: (text: string) => void },
): Promise<{ name: string; output: string }[]>;
