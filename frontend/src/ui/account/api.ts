import { Failure } from '../../core/failure';
import { ERROR_CODES, type ErrorCode } from '../../choices';

/** An answer of the HTTP side; what is in it is as good as unknown. */
export type Answer = Readonly<Record<string, unknown>>;

/** GET of the HTTP side. Throws a Failure. */
export function get(path: string): Promise<Answer> {
  return call(path, { cache: 'no-store' });
}

/** POST to the HTTP side. Throws a Failure. */
export function post(path: string, content?: object): Promise<Answer> {
  if (!content) return call(path, { method: 'POST' });
  const headers = { 'Content-Type': 'application/json' };
  return call(path, { method: 'POST', headers, body: JSON.stringify(content) });
}

async function call(path: string, how: RequestInit): Promise<Answer> {
  const response = await fetch(path, how).catch(() => null);
  if (!response) throw new Failure('lost');
  const body: unknown = await response.json().catch(() => null);
  const answer = (typeof body === 'object' && body ? body : {}) as Answer;
  if (response.ok) return answer;
  const code = answer.code as ErrorCode;
  const wait = Number(answer.retry_after_ms) || 0;
  throw new Failure(ERROR_CODES.includes(code) ? code : 'internal', '', '', wait);
}
