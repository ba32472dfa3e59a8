import { endTexts } from '../../i18n/ends';
import { Blank } from '../parts';
import { OutOfBounds } from './OutOfBounds';

export function NotFound() {
  const t = endTexts.value.notFound;
  return (
    <div class="not-found">
      <Blank isPage art={<OutOfBounds />} title={t.title} text={t.text}>
        <a class="button primary" href="/">
          {t.home}
        </a>
      </Blank>
    </div>
  );
}
