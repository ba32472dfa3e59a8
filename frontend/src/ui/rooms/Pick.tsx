import { roomsTexts } from '../../i18n/rooms';
import { Blank } from '../parts';
import { Serve } from './Serve';

/** Beside the list, as long as no room was chosen. */
export function Pick() {
  const t = roomsTexts.value;
  return <Blank art={<Serve />} title={t.pickTitle} text={t.pickText} />;
}
