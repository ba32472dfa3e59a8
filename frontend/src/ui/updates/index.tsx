import { computed, effect, signal } from '@preact/signals';
import { render } from 'preact';
import { lang, texts } from '../../i18n';
import { isVisible, theme } from '../app';
import { IconButton } from '../parts';

export { default as css } from './updates.css?url';

const words = computed(() =>
  lang.value === 'ko' ? '새 버전이 있어요' : 'There is a new version',
);

/** Between two questions whether there is a new version, of a page that stays open. */
const ASK_MS = 60 * 60_000;

/** The worker of a newer build than this page's. */
const newer = signal<ServiceWorker | null>(null);

/** Keeps the site on this device, and tells when there is a newer one. */
async function start(): Promise<void> {
  effect(themeColor);
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!workers) return;
  const registration = await workers.register('/sw.js');
  const look = () => {
    // Without one that serves this page, it is the first, not a newer one.
    if (registration.waiting && workers.controller) newer.value = registration.waiting;
  };
  const follow = () => registration.installing?.addEventListener('statechange', look);
  registration.addEventListener('updatefound', follow);
  follow();
  look();
  let askedAt = Date.now();
  effect(() => {
    if (!isVisible.value || Date.now() - askedAt < ASK_MS) return;
    askedAt = Date.now();
    // Offline, or the server has none: another time.
    registration.update().catch(() => undefined);
  });
  const root = document.createElement('div');
  document.body.append(root);
  render(<Newer />, root);
}

function Newer() {
  if (!newer.value) return <div role="status" />;
  return (
    <div role="status">
      <div class="newer" data-testid="newer-version">
        <span>{words.value}</span>
        <button type="button" class="button small" onClick={reload}>
          {texts.value.reload}
        </button>
        <IconButton
          name="close"
          label={texts.value.close}
          onClick={() => (newer.value = null)}
        />
      </div>
    </div>
  );
}

/** The page is the newest as soon as it is loaded anew; the new worker keeps it from then on. */
function reload(): void {
  const worker = newer.peek();
  if (worker?.state !== 'installed') return location.reload();
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload());
  worker.postMessage('take-over');
}

/** The browser's own bars have the chosen theme, too: of the two colours, one is for all. */
function themeColor(): void {
  const metas = document.querySelectorAll<HTMLMetaElement>('meta[name=theme-color]');
  metas.forEach((meta, i) => {
    const its = i === 0 ? 'light' : 'dark';
    const isChosen = theme.value === its;
    meta.media =
      theme.value === 'auto' ? `(prefers-color-scheme: ${its})` : isChosen ? 'all' : 'not all';
  });
}

// Where workers are forbidden, the site is as it is, but needs a network.
void start().catch(() => undefined);
