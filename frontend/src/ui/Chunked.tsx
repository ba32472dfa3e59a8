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
    chunk.load();
  }, [chunk]);
  const { module, hasFailed, isGone } = chunk;
  if (module) return <>{children(module)}</>;
  const why = isGone ? t.errors.unknown_type : t.notLoaded;
  const retry = hasFailed && (
    <button
      type="button"
      class="button primary"
      onClick={() => (isGone ? location.reload() : chunk.load())}
    >
      {isGone ? t.reload : t.retry}
    </button>
  );
  if (!onClose) {
    return (
      <Blank
        title={title}
        text={hasFailed ? why : t.loading}
        isAlert={hasFailed}
        isPage
      >
        {retry}
      </Blank>
    );
  }
  return (
    <Dialog title={title} testId="chunk-loading" onClose={onClose}>
      {hasFailed ? <ErrorText text={why} /> : <p class="muted">{t.loading}</p>}
      <div class="button-row end">
        <button type="button" class="button" onClick={onClose}>
          {t.close}
        </button>
        {retry}
      </div>
    </Dialog>
  );
}
