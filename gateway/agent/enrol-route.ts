/** The one message of a machine that is not known yet: it brings a token, a new public key, and proof that it holds the key. */
import type { Context } from 'hono';
import { enrolRequest, enrolResponse } from '../../core/protocol/messages.ts';
import { HEADER } from '../../core/protocol/signed-request.ts';
import { enrolDevice } from '../../server/devices/enrol-device.ts';
import type { GatewayEnvironment } from '../gateway-environment.ts';
import { withBody } from '../request-body.ts';
import { checkAnswer, parseBody } from './protocol-body.ts';

const BODY_BYTES_MAX = 16 * 1024;

export async function enrolRoute(c: Context<GatewayEnvironment>): Promise<Response> {
  return await withBody(c.env.incoming, BODY_BYTES_MAX, c.get('bodyBudget'), async (body) => {
    const request = parseBody(enrolRequest, body);
    const proof = { body, signature: c.req.header(HEADER.signature) ?? '' };
    const answer = checkAnswer(enrolResponse, await enrolDevice(c.get('services'), request, proof));
    c.set('deviceId', answer.deviceId);
    return c.json(answer);
  });
}
