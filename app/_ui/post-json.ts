/** What a route handler of the portal answered: the value, or a sentence for the person. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

const UNREACHABLE =
  'The portal did not answer. Nothing was changed as far as we know; check the connection and try again.';

/** Sends JSON to a route handler of the portal. Never throws: what went wrong comes back as a sentence. */
export async function postJson<T>(path: string, body: unknown): Promise<Answer<T>> {
  return request<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

export async function getJson<T>(path: string): Promise<Answer<T>> {
  return request<T>(path, { method: 'GET' });
}

async function request<T>(path: string, init: RequestInit): Promise<Answer<T>> {
  try {
    const response = await fetch(path, { ...init, credentials: 'same-origin' });
    const answer = (await response.json()) as { error?: { message?: string } };
    if (response.ok) return { ok: true, value: answer as T };
    return { ok: false, message: answer.error?.message ?? UNREACHABLE };
  } catch {
    return { ok: false, message: UNREACHABLE };
  }
}
