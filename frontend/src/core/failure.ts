import type { ErrorCode } from '../protocol';

/** Why a command failed: what the server said, or that no answer came. */
export type FailureCode = ErrorCode | 'lost' | 'timeout';

/** A command that was not carried out, as far as this side knows. */
export class Failure extends Error {
  constructor(
    readonly code: FailureCode,
    message = '',
    readonly field = '',
    readonly retryAfterMs = 0,
  ) {
    super(message || code);
  }
}

/** Nobody waits longer than this for their turn: the person decides what happens next. */
export const WAIT_LONGEST_MS = 60_000;

/** What went wrong, of anything that was thrown. */
export function failureCode(error: unknown): FailureCode {
  return error instanceof Failure ? error.code : 'internal';
}

const TEMPORARY: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'lost',
  'timeout',
  'internal',
  'stale',
  'too_fast',
  'slow_mode',
  'silenced',
  'hello_first',
  'signed_out',
]);

/** Whether the same command may succeed later. */
export function isTemporary(code: FailureCode): boolean {
  return TEMPORARY.has(code);
}
