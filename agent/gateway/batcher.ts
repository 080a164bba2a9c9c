/**
 * Gathers what is asked for within a few milliseconds into one request: a backup with six uploads in flight then needs one
 * lease for them and not six.
 */
export interface Batcher<Item, Result> {
  add(item: Item): Promise<Result>;
}

/** `send` answers with one result for each item, in order; when it throws, every item of the batch fails with it. */
export function createBatcher<Item, Result>(
  options: { readonly itemsMax: number; readonly gatherMs: number },
  send: (items: readonly Item[]) => Promise<readonly Result[]>,
): Batcher<Item, Result> {
  interface Waiting {
    readonly item: Item;
    readonly resolve: (result: Result) => void;
    readonly reject: (error: unknown) => void;
  }
  let gathered: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const batch = gathered;
    gathered = [];
    if (batch.length === 0) return;
    send(batch.map(({ item }) => item)).then(
      (results) => {
        for (const [at, { resolve, reject }] of batch.entries()) {
          const result = results[at];
          if (result === undefined) reject(new Error('a batch was answered with too few results'));
          else resolve(result);
        }
      },
      (error: unknown) => {
        for (const { reject } of batch) reject(error);
      },
    );
  };

  return {
    add: (item) =>
      new Promise<Result>((resolve, reject) => {
        gathered.push({ item, resolve, reject });
        if (gathered.length >= options.itemsMax) flush();
        else timer ??= setTimeout(flush, options.gatherMs);
      }),
  };
}
