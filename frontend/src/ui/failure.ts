import type { FailureCode } from '../core/failure';
import { texts } from '../i18n';
import { say } from './app';
import { failures } from './chunks';

/** Why something failed, in words; nothing while these are fetched. */
export function failureText(code: FailureCode): string {
  if (code === 'lost') return texts.value.lost;
  const { module, hasFailed } = failures;
  // After that, when there is a connection.
  if (!hasFailed) void failures.load();
  if (!module) return hasFailed ? texts.value.failed : '';
  return code === 'internal' ? texts.value.failed : module.failureTexts.value.errors[code];
}

/** Say for a moment why something failed. */
export async function sayFailure(code: FailureCode): Promise<void> {
  if (code !== 'lost') await failures.load();
  say(failureText(code));
}
