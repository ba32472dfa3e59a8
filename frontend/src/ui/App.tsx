import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { texts } from '../i18n';
import { hasSession, isSignedIn, isWide, session, toast, watch } from './app';
import { Logo } from './art';
import { Chunked } from './Chunked';
import { ends, me, outside } from './chunks';
import { RoomsPage } from './pages/RoomsPage';
import { route } from './router';
import { StatusLine } from './StatusLine';

export function App() {
  const { page } = route.value;
  const isInside = page === 'rooms' || page === 'room' || page === 'me';
  const main = useRef<HTMLElement>(null);
  const focused = useRef(route.value);
  useEffect(() => {
    if (focused.current === route.value) return;
    focused.current = route.value;
    // A room beside the list takes the focus itself, into the place where one writes.
    if (page === 'room' && isWide.peek()) return;
    main.current?.focus({ preventScroll: true });
  }, [route.value]);
  return (
    <div class={`app app-${page}`}>
      <a class="skip" href="#main">
        {texts.value.skip}
      </a>
      <TopBar isInside={isInside} />
      {isInside && <StatusLine />}
      <main id="main" ref={main} tabIndex={-1}>
        <Page />
      </main>
      <div class="pills">
        <div class={`pill ${toast.value ? 'is-shown' : ''}`} role="status">
          <span>{toast.value}</span>
        </div>
      </div>
      <Title />
    </div>
  );
}

function Page(): ComponentChildren {
  const where = route.value;
  switch (where.page) {
    case 'landing':
      return (
        <Chunked chunk={outside} title={texts.value.brand}>
          {({ Landing }) => <Landing />}
        </Chunked>
      );
    case 'sign-in':
      return (
        <Chunked chunk={outside} title={texts.value.nav.signIn}>
          {({ SignIn }) => <SignIn />}
        </Chunked>
      );
    case 'rooms':
      return <RoomsPage roomId={null} />;
    case 'room':
      return <RoomsPage roomId={where.roomId} />;
    case 'me':
      return (
        <Chunked chunk={me} title={texts.value.me.title}>
          {({ MePage }) => <MePage />}
        </Chunked>
      );
    case 'not-found':
      return (
        <Chunked chunk={ends} title={texts.value.brand}>
          {({ Elsewhere }) => <Elsewhere />}
        </Chunked>
      );
  }
}

function TopBar({ isInside }: { isInside: boolean }) {
  const { page } = route.value;
  const t = texts.value;
  const current = (is: boolean) => (is ? ('page' as const) : undefined);
  return (
    <header class="top">
      <a class="brand" href="/">
        <Logo />
        <span>{t.brand}</span>
      </a>
      <nav aria-label={t.nav.main}>
        {isInside || isSignedIn.value ? (
          <>
            <a href="/rooms" aria-current={current(page === 'rooms' || page === 'room')}>
              {t.nav.rooms}
            </a>
            <a href="/me" aria-current={current(page === 'me')}>
              {t.nav.me}
            </a>
          </>
        ) : (
          page !== 'sign-in' && (
            // Back to where one is, if that is somewhere to come back to (safeNext).
            <a href={`/sign-in?next=${location.pathname}`}>{t.nav.signIn}</a>
          )
        )}
      </nav>
    </header>
  );
}

const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');

/** Shows in the tab and on the app's own icon, where there is one, that something is unread. */
function mark(unread: number): void {
  const href = unread > 0 ? '/favicon-unread.svg' : '/favicon.svg';
  if (icon && icon.getAttribute('href') !== href) icon.href = href;
  // Where it is refused, there is no badge: nothing else depends on it.
  navigator.setAppBadge?.(unread).catch(() => {});
}

/** The window's title: how much is unread, and where one is. */
function Title() {
  const t = texts.value;
  const where = route.value;
  watch('rooms');
  const names: string[] = [t.brand];
  let unread = 0;
  if (hasSession()) {
    for (const room of session().rooms.values()) if (!room.muted) unread += room.unread;
    if (where.page === 'room') names.unshift(session().rooms.get(where.roomId)?.name ?? '');
  }
  if (where.page === 'sign-in') names.unshift(t.nav.signIn);
  if (where.page === 'rooms') names.unshift(t.rooms.title);
  if (where.page === 'me') names.unshift(t.me.title);
  const title = `${unread > 0 ? `(${unread}) ` : ''}${names.filter(Boolean).join(' · ')}`;
  useEffect(() => {
    document.title = title;
    mark(unread);
  }, [title]);
  return null;
}
