import { endTexts } from '../../i18n/ends';
import { Blank } from '../parts';
import { OutOfBounds } from './OutOfBounds';

/** Instead of waiting for what can't come. It goes by itself when there is a network again. */
export function Offline() {
  const t = endTexts.value.offline;
  return <Blank art={<OutOfBounds />} title={t.title} text={t.text} />;
}
