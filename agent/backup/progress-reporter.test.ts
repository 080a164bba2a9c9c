import { expect, test } from 'vitest';
import { HoldfastError } from '../../core/base/errors.ts';
import { NOTHING_YET, ProgressReporter } from './progress-reporter.ts';

/** A service that answers when the test says so. */
function slowService() {
  const answer = Promise.withResolvers<void>();
  const client = { progress: async () => await answer.promise };
  const refuse = (): void => answer.reject(new HoldfastError('run_not_open', 'This backup run has ended.'));
  return { client, refuse };
}

const settled = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

test('a report that says the run has ended ends the work', async () => {
  const { client, refuse } = slowService();
  const ends: Error[] = [];
  const reporter = new ProgressReporter(client, 'run', (error) => ends.push(error));
  await reporter.whileAlive(async () => {
    reporter.report(NOTHING_YET);
    refuse();
    await settled();
  });
  expect(ends).toMatchObject([{ code: 'run_not_open' }]);
});

test('a report that the commit overtakes on its way ends nothing: the run is not open any more because all of it is there', async () => {
  const { client, refuse } = slowService();
  const ends: Error[] = [];
  const reporter = new ProgressReporter(client, 'run', (error) => ends.push(error));
  await reporter.whileAlive(async () => {
    reporter.report(NOTHING_YET);
    await settled();
  });
  refuse();
  await settled();
  expect(ends).toEqual([]);
});
