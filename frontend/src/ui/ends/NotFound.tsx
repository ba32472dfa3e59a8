import { endTexts } from '../../i18n/ends';
import { Blank } from '../parts';
import { OutOfBounds } from './OutOfBounds';

export function NotFound() {
  const t = endTexts.value.notFound;
  return (
    <Blank isPage art={<OutOfBounds />} title={t.title} text={t.text}>
      <a class="button primary" href="/">
        {t.home}
      </a>
    </Blank>
  );
}
