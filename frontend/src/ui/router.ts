import { computed, signal } from '@preact/signals';

export type Route =
  | { page: 'landing' | 'sign-in' | 'rooms' | 'me' | 'not-found' }
  | { page: 'room'; roomId: string };

/** Which page a path is. */
export function routeOf(path: string): Route {
  const room = /^\/rooms\/([A-Za-z0-9_-]{1,64})\/?$/.exec(path);
  if (room) return { page: 'room', roomId: room[1] as string };
  switch (path.replace(/(.)\/$/, '$1')) {
    case '/':
      return { page: 'landing' };
    case '/sign-in':
      return { page: 'sign-in' };
    case '/rooms':
      return { page: 'rooms' };
    case '/me':
      return { page: 'me' };
    default:
      return { page: 'not-found' };
  }
}

const path = signal(location.pathname);

export const route = computed(() => routeOf(path.value));

export function navigate(to: string, how: 'push' | 'replace' = 'push'): void {
  const url = new URL(to, location.href);
  if (url.href !== location.href) {
    history[how === 'push' ? 'pushState' : 'replaceState'](null, '', url);
  }
  path.value = url.pathname;
}

/** Follow history, and turn clicks on the site's own links into navigation. */
export function startRouter(): void {
  addEventListener('popstate', () => {
    path.value = location.pathname;
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.target || link.hasAttribute('download')) return;
    if (link.origin !== location.origin || link.pathname.startsWith('/api/')) return;
    // To a place on this page.
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}

/** A path of the site to go on to after signing in; nothing else is let through. */
export function safeNext(next: string | null): string {
  return next && /^\/(rooms|me|i)(\/|$|\?meet$)/.test(next) ? next : '/rooms';
}
