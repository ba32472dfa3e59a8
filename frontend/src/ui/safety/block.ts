import { setBlock } from '../../core/blocking';
import { failureCode } from '../../core/failure';
import { say, session } from '../app';
import { sayFailure } from '../failure';
import { safetyTexts } from './texts';

/** Block somebody, or end that; says what came of it. */
export async function block(userId: string, on: boolean, roomId?: string): Promise<void> {
  try {
    await setBlock(session(), userId, on, roomId);
    const t = safetyTexts.peek();
    say(on ? t.didBlock : t.didUnblock);
  } catch (error) {
    await sayFailure(failureCode(error));
  }
}
