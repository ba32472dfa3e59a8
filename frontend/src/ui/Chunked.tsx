import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { texts } from '../i18n';
import type { Chunk } from './chunk';
import { Blank, Dialog, ErrorText } from './parts';

interface ChunkedProps<T> {
  chunk: Chunk<T>;
  title: string;
  /** Of what lies over the page; without it, it is the page. */
  onClose?: () => void;
  children(module: T): ComponentChildren;
}

/** What is drawn by code of its own; until that is there, that it is loading or could not be. */
export function Chunked<T>({ chunk, title, onClose, children }: ChunkedProps<T>) {
  const t = texts.value;
  useEffect(() => {
    void chunk.load();
  }, [chunk]);
  const { module, hasFailed } = chunk;
  if (module) return <>{children(module)}</>;
  if (!onClose) {
    return hasFailed ? (
      <NotLoaded chunk={chunk} title={title} isPage />
    ) : (
      <Blank title={title} text={t.loading} isPage />
    );
  }
  return (
    <Dialog title={title} testId="chunk-loading" onClose={onClose}>
      {hasFailed ? <ErrorText text={whyOf(chunk)} /> : <p class="muted">{t.loading}</p>}
      <div class="button-row end">
        <button type="button" class="button" onClick={onClose}>
          {t.close}
        </button>
        {hasFailed && <Again chunk={chunk} />}
      </div>
    </Dialog>
  );
}

interface NotLoadedProps {
  chunk: Chunk<unknown>;
  title: string;
  isPage?: boolean;
}

/** Stands where a chunk would, which could not be loaded. */
export function NotLoaded({ chunk, title, isPage = false }: NotLoadedProps) {
  return (
    <Blank title={title} text={whyOf(chunk)} isAlert isPage={isPage}>
      <Again chunk={chunk} />
    </Blank>
  );
}

function whyOf({ isGone }: Chunk<unknown>): string {
  return isGone ? texts.value.gone : texts.value.notLoaded;
}

function Again({ chunk }: { chunk: Chunk<unknown> }) {
  const { isGone } = chunk;
  return (
    <button
      type="button"
      class="button primary"
      onClick={() => (isGone ? location.reload() : void chunk.load())}
    >
      {isGone ? texts.value.reload : texts.value.retry}
    </button>
  );
}
