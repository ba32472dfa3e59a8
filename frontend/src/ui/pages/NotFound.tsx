import { texts } from '../../i18n';
import { OutOfBounds } from '../art';
import { Blank } from '../parts';

export function NotFound() {
  const t = texts.value.notFound;
  return (
    <Blank art={<OutOfBounds />} title={t.title} text={t.text}>
      <a class="button primary" href="/">
        {t.home}
      </a>
    </Blank>
  );
}
