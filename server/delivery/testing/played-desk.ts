/**
 * Three service desks as one local server. It answers the requests that the makers document, in the shapes that they document,
 * keeps the tickets, and refuses everything else as they do: an unknown path, a missing credential, a missing or misspelt field.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PlayedTicket {
  id: number;
  title: string;
  text: string;
  reference: string;
  company: string;
  status: string;
  notes: string[];
}

export interface PlayedDesk {
  readonly url: string;
  readonly tickets: PlayedTicket[];
  readonly requests: string[];
  /** What happens to the next requests that open a ticket: it is opened and nobody hears of it, or nothing happens at all. */
  misbehave(...steps: readonly ('lost_answer' | 'busy' | 'none')[]): void;
  stop(): Promise<void>;
}

type Fields = Readonly<Record<string, 'string' | 'number' | 'boolean' | 'object'>>;

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly body: unknown;
  readonly form: URLSearchParams;
}

class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const DESK_ACCOUNT = {
  company: 'northgate',
  publicKey: 'pub',
  privateKey: 'the private key',
  clientId: '0190aaaa-9999-7ccc-8ddd-eeeeeeeeeeee',
  username: 'api@northgate.com',
  integrationCode: 'INTEGRATION1',
  secret: 'the autotask secret',
  haloSecret: 'the halo secret',
} as const;

export async function playDesk(kind: 'connectwise' | 'autotask' | 'halopsa'): Promise<PlayedDesk> {
  const tickets: PlayedTicket[] = [];
  const requests: string[] = [];
  let steps: ('lost_answer' | 'busy' | 'none')[] = [];
  const open = (fields: Omit<PlayedTicket, 'id' | 'notes' | 'status'>): PlayedTicket => {
    const ticket = { id: 17_000 + tickets.length, status: 'New', notes: [], ...fields };
    tickets.push(ticket);
    return ticket;
  };
  const find = (id: unknown): PlayedTicket => {
    const ticket = tickets.find((one) => one.id === Number(id));
    if (ticket === undefined) throw new Refused(404, 'Entity of type Ticket could not be found.');
    return ticket;
  };
  const answers = { connectwise: connectWise, autotask, halopsa }[kind];
  const server = createServer((request, response) => {
    void (async () => {
      const asked = await read(request);
      requests.push(`${asked.method} ${asked.path}`);
      const before = tickets.length;
      const value = answers(asked, { tickets, open, find });
      const opened = tickets.length > before;
      const step = opened ? (steps.shift() ?? 'none') : 'none';
      if (step === 'lost_answer') return void response.destroy();
      if (step === 'busy') {
        tickets.pop();
        throw new Refused(503, 'busy');
      }
      send(response, 200, value);
    })().catch((error: unknown) => {
      if (error instanceof Refused) send(response, error.status, { code: 'InvalidObject', message: error.message });
      else response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tickets,
    requests,
    misbehave: (...next) => {
      steps = [...next];
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface Desk {
  readonly tickets: readonly PlayedTicket[];
  open(fields: Omit<PlayedTicket, 'id' | 'notes' | 'status'>): PlayedTicket;
  find(id: unknown): PlayedTicket;
}

/** developer.connectwise.com, Manage REST: service/tickets and service/tickets/{id}/notes. */
function connectWise({ method, path, query, request, body }: Asked, desk: Desk): unknown {
  const { company, publicKey, privateKey, clientId } = DESK_ACCOUNT;
  const expected = `Basic ${Buffer.from(`${company}+${publicKey}:${privateKey}`).toString('base64')}`;
  if (request.headers.authorization !== expected) throw new Refused(401, 'Unauthorized');
  if (request.headers['clientid'] !== clientId) throw new Refused(401, 'Cannot route. Codebase/company is invalid.');
  const api = '/v4_6_release/apis/3.0/service/tickets';
  if (method === 'GET' && path === api) {
    const wanted = /^externalXRef="([^"]+)"$/.exec(query.get('conditions') ?? '')?.[1];
    if (wanted === undefined) throw new Refused(400, 'conditions is invalid');
    return desk.tickets
      .filter(({ reference }) => reference === wanted)
      .map(({ id, reference }) => ({ id, externalXRef: reference, _info: {} }));
  }
  if (method === 'POST' && path === api) {
    const fields = shape(body, {
      summary: 'string',
      board: 'object',
      company: 'object',
      initialDescription: 'string',
      externalXRef: 'string',
      severity: 'string',
    });
    if (String(fields['summary']).length > 100)
      throw new Refused(400, 'The field summary must be a string with a maximum length of 100.');
    if (!['Low', 'Medium', 'High'].includes(String(fields['severity']))) throw new Refused(400, 'severity is invalid');
    const ticket = desk.open({
      title: String(fields['summary']),
      text: String(fields['initialDescription']),
      reference: String(fields['externalXRef']),
      company: String((fields['company'] as { identifier?: string }).identifier),
    });
    return {
      id: ticket.id,
      summary: ticket.title,
      recordType: 'ServiceTicket',
      status: { id: 1, name: 'New' },
      _info: {},
    };
  }
  const note = new RegExp(`^${api}/(\\d+)/notes$`).exec(path);
  if (method === 'POST' && note !== null) {
    const fields = shape(body, {
      text: 'string',
      detailDescriptionFlag: 'boolean',
      internalAnalysisFlag: 'boolean',
      resolutionFlag: 'boolean',
    });
    if (
      ![fields['detailDescriptionFlag'], fields['internalAnalysisFlag'], fields['resolutionFlag']].some(
        (flag) => flag === true,
      )
    )
      throw new Refused(400, 'one flag is required');
    desk.find(note[1]).notes.push(String(fields['text']));
    return { id: 1, ticketId: Number(note[1]), text: fields['text'] };
  }
  const one = new RegExp(`^${api}/(\\d+)$`).exec(path);
  if (method === 'PATCH' && one !== null && Array.isArray(body)) {
    for (const step of body as unknown[]) {
      const { op, path: field, value } = shape(step, { op: 'string', path: 'string', value: 'object' });
      if (op !== 'replace' || field !== 'status') throw new Refused(400, 'operation is invalid');
      desk.find(one[1]).status = String((value as { name?: string }).name);
    }
    return { id: Number(one[1]), _info: {} };
  }
  throw new Refused(404, 'Not found');
}

/** autotask.net/help/DeveloperHelp, REST: Tickets, TicketNotes, query filters. */
function autotask({ method, path, request, body }: Asked, desk: Desk): unknown {
  const { integrationCode, username, secret } = DESK_ACCOUNT;
  const { apiintegrationcode, username: user, secret: password } = request.headers;
  if (apiintegrationcode !== integrationCode || user !== username || password !== secret)
    throw new Refused(401, 'Unauthorized');
  const api = '/ATServicesRest/V1.0/Tickets';
  if (method === 'POST' && path === `${api}/query`) {
    const { filter } = shape(body, { MaxRecords: 'number', IncludeFields: 'object', filter: 'object' });
    const [{ op, field, value }] = filter as [{ op: string; field: string; value: string }];
    if (op !== 'eq' || field !== 'externalID') throw new Refused(500, 'Unable to find field in the Ticket Entity.');
    const items = desk.tickets.filter(({ reference }) => reference === value).map(({ id }) => ({ id }));
    return { items, pageDetails: { count: items.length, requestCount: 1, prevPageUrl: null, nextPageUrl: null } };
  }
  if (method === 'POST' && path === api) {
    const fields = shape(body, {
      companyID: 'number',
      title: 'string',
      description: 'string',
      status: 'number',
      priority: 'number',
      queueID: 'number',
      dueDateTime: 'string',
      externalID: 'string',
    });
    if (String(fields['externalID']).length > 50) throw new Refused(500, 'externalID is too long');
    if (String(fields['title']).length > 255) throw new Refused(500, 'title is too long');
    const ticket = desk.open({
      title: String(fields['title']),
      text: String(fields['description']),
      reference: String(fields['externalID']),
      company: String(fields['companyID']),
    });
    return { itemId: ticket.id };
  }
  if (method === 'PATCH' && path === api) {
    const { id, status } = shape(body, { id: 'number', status: 'number' });
    desk.find(id).status = String(status);
    return { itemId: id };
  }
  const note = new RegExp(`^${api}/(\\d+)/Notes$`).exec(path);
  if (method === 'POST' && note !== null) {
    const { title, description } = shape(body, {
      title: 'string',
      description: 'string',
      noteType: 'number',
      publish: 'number',
    });
    desk.find(note[1]).notes.push(`${String(title)}\n${String(description)}`);
    return { itemId: 1 };
  }
  throw new Refused(404, 'Not found');
}

/** HaloPSA's API: auth/token, Tickets and Actions as lists. */
function halopsa({ method, path, query, request, body, form }: Asked, desk: Desk): unknown {
  if (method === 'POST' && path === '/auth/token') {
    if (
      form.get('grant_type') !== 'client_credentials' ||
      form.get('client_secret') !== DESK_ACCOUNT.haloSecret ||
      form.get('scope') !== 'all' ||
      query.get('tenant') !== 'northgate'
    )
      throw new Refused(400, 'invalid_client');
    return { access_token: 'halo-token', token_type: 'Bearer', expires_in: 3600, scope: 'all' };
  }
  if (request.headers.authorization !== 'Bearer halo-token') throw new Refused(401, 'Unauthorized');
  if (method === 'GET' && path === '/api/Tickets') {
    const words = query.get('search') ?? '';
    const tickets = desk.tickets
      .filter(({ title }) => title.includes(words))
      .map(({ id, title }) => ({ id, summary: title }));
    return { record_count: tickets.length, tickets };
  }
  const [first] = Array.isArray(body) ? (body as unknown[]) : [];
  if (method === 'POST' && path === '/api/Tickets' && first !== undefined) {
    if ('id' in (first as object)) {
      const { id, status_id } = shape(first, { id: 'number', status_id: 'number' });
      desk.find(id).status = String(status_id);
      return { id };
    }
    const fields = shape(first, { summary: 'string', details: 'string', tickettype_id: 'number', client_id: 'number' });
    const summary = String(fields['summary']);
    const reference = /\[(HF-[0-9A-F]+)\]$/.exec(summary)?.[1] ?? '';
    const ticket = desk.open({
      title: summary,
      text: String(fields['details']),
      reference,
      company: String(fields['client_id']),
    });
    return { id: ticket.id, summary };
  }
  if (method === 'POST' && path === '/api/Actions' && first !== undefined) {
    const { ticket_id, note } = shape(first, {
      ticket_id: 'number',
      outcome: 'string',
      note: 'string',
      hiddenfromuser: 'boolean',
    });
    desk.find(ticket_id).notes.push(String(note));
    return { id: 1, ticket_id };
  }
  throw new Refused(404, 'Not found');
}

/** Exactly these fields of exactly these types. */
function shape(value: unknown, fields: Fields): Readonly<Record<string, unknown>> {
  const given = value as Readonly<Record<string, unknown>>;
  if (typeof value !== 'object' || value === null) throw new Refused(400, 'a body is required');
  for (const name of Object.keys(given)) if (!(name in fields)) throw new Refused(400, `unknown field ${name}`);
  for (const [name, type] of Object.entries(fields)) {
    const isNumber = type !== 'number' || Number.isFinite(given[name]);
    if (typeof given[name] !== type || !isNumber) throw new Refused(400, `field ${name} is required`);
  }
  return given;
}

async function read(request: IncomingMessage): Promise<Asked> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString('utf8');
  const url = new URL(request.url ?? '/', 'http://desk');
  const isForm = request.headers['content-type'] === 'application/x-www-form-urlencoded';
  const isJson = request.headers['content-type'] === 'application/json';
  if (text !== '' && !isForm && !isJson) throw new Refused(415, 'Unsupported media type');
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    request,
    body: isJson && text !== '' ? (JSON.parse(text) as unknown) : undefined,
    form: new URLSearchParams(isForm ? text : ''),
  };
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
