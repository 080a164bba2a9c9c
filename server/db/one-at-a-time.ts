/**
 * Prisma sends the parts of one query side by side (the relations of an `include`), in a transaction too, where they share one
 * connection. The driver holds the later ones back today and will refuse them from its next version on: here they wait.
 */
import { PrismaPg } from '@prisma/adapter-pg';

type Adapter = Awaited<ReturnType<PrismaPg['connect']>>;
type Transaction = Awaited<ReturnType<Adapter['startTransaction']>>;

export class PrismaPgOneAtATime extends PrismaPg {
  override async connect(): Promise<Adapter> {
    const adapter = await super.connect();
    const start = adapter.startTransaction.bind(adapter);
    adapter.startTransaction = async (level) => oneAtATime(await start(level));
    return adapter;
  }
}

function oneAtATime(transaction: Transaction): Transaction {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn =
    <Query, Answer>(send: (query: Query) => Promise<Answer>) =>
    async (query: Query): Promise<Answer> => {
      const mine = last.then(async () => await send(query));
      // Who waits for this one's answer hears of its failure; those behind it get their own from the aborted transaction.
      last = mine.catch(() => undefined);
      return await mine;
    };
  transaction.queryRaw = inTurn(transaction.queryRaw.bind(transaction));
  transaction.executeRaw = inTurn(transaction.executeRaw.bind(transaction));
  return transaction;
}
