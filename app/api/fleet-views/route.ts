import { z } from 'zod';
import { DENSITIES } from '../../../core/domain/fleet-filter/columns.ts';
import { saveFleetView } from '../../../server/fleet/save-view.ts';
import { DAY_RULES } from '../../../core/domain/fleet-filter/day-rule.ts';
import { handleRequest } from '../../_server/handle-request.ts';

/** Saves the filter of the list with its columns under a name. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.strictObject({
    id: z.uuid().nullable(),
    name: z.string().max(200),
    filter: z.string().max(2000),
    columns: z.array(z.string().max(40)).max(40),
    density: z.enum(DENSITIES),
    dayRule: z.enum(DAY_RULES),
    isShared: z.boolean(),
  }),
  run: async ({ services, scope, body }) => await saveFleetView(services, scope, body),
});
