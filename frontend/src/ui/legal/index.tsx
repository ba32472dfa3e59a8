import { useEffect } from 'preact/hooks';
import { texts } from '../../i18n';
import { legalTexts } from './texts';

export { default as css } from './legal.css?url';

/** Whom one asks: an email address of whoever runs this. */
const CONTACT: string = import.meta.env.VITE_CONTACT ?? '';

/** What one agrees to, or what becomes of one's data. */
export function Legal({ which }: { which: 'terms' | 'privacy' }) {
  const t = legalTexts.value;
  const page = t[which];
  useEffect(() => {
    document.title = `${page.title} · ${texts.value.brand}`;
  }, [page]);
  return (
    <article class="legal" data-testid="legal">
      <h1>{page.title}</h1>
      <p class="muted small">{t.version}</p>
      <p class="legal-lead">{page.lead}</p>
      {page.parts.map((part) => (
        <section key={part.title}>
          <h2>{part.title}</h2>
          {part.text && <p>{part.text}</p>}
          {part.list && (
            <ul>
              {part.list.map((line, i) => (
                <li key={i}>{line}</li>
              ))}
            </ul>
          )}
        </section>
      ))}
      <section>
        <h2>{t.contactTitle}</h2>
        <p>
          {CONTACT ? (
            <>
              {t.contact} <a href={`mailto:${CONTACT}`}>{CONTACT}</a>
            </>
          ) : (
            t.noContact
          )}
        </p>
      </section>
      <p class="legal-other">
        <a href={which === 'terms' ? '/privacy' : '/terms'}>
          {(which === 'terms' ? t.privacy : t.terms).title}
        </a>
      </p>
    </article>
  );
}
