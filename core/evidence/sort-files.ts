/** Files that somebody chose together: bundles, and anchors to compare them with. */
import { evidenceAnchor, signedText, type SignedText } from './record.ts';

export interface ChosenFile {
  readonly name: string;
  readonly text: string;
}

/** `anchorsFor` gives the anchors among the files, and those of other bundles of the same customer: what one says, holds for all. */
export function sortFiles(files: readonly ChosenFile[]): {
  readonly bundles: readonly ChosenFile[];
  readonly anchorsFor: (bundle: ChosenFile) => SignedText[];
} {
  const bundles: ChosenFile[] = [];
  const given: SignedText[] = [];
  for (const file of files) {
    const anchor = signedText.safeParse(jsonOf(file.text));
    if (anchor.success) given.push(anchor.data);
    else bundles.push(file);
  }
  const anchorsFor = (bundle: ChosenFile): SignedText[] => {
    const customerId = customerOf(bundle.text);
    const others = bundles
      .filter((other) => other !== bundle && customerOf(other.text) === customerId)
      .flatMap(anchorsOf);
    return [...given, ...others].filter(({ text }) => {
      const anchor = evidenceAnchor.safeParse(jsonOf(text));
      // A broken one is for the check to name.
      return !anchor.success || anchor.data.customerId === customerId;
    });
  };
  return { bundles, anchorsFor };
}

function anchorsOf({ text }: ChosenFile): SignedText[] {
  const { anchors } = (jsonOf(text) ?? {}) as { anchors?: unknown };
  return Array.isArray(anchors) ? anchors.flatMap((one) => signedText.safeParse(one).data ?? []) : [];
}

function customerOf(text: string): unknown {
  return (jsonOf(text) as { customer?: { id?: unknown } } | undefined)?.customer?.id;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
