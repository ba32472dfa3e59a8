/**
 * Runs before the first paint: the chosen theme and language, so that nothing flashes. What the
 * main script is going to ask for is fetched beside it; the build writes into `data-` where it is.
 */
function early(root: HTMLElement, built: DOMStringMap): void {
  let lang = navigator.language || 'ko';
  let isSignedIn = false;
  try {
    const theme = localStorage.getItem('ping-pong.theme');
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
    lang = localStorage.getItem('ping-pong.lang') || lang;
    isSignedIn = localStorage.getItem('ping-pong.signed-in') !== null;
  } catch {
    // Storage is forbidden: the defaults will do.
  }
  root.lang = /^ko\b/i.test(lang) ? 'ko' : 'en';
  if (root.lang === 'en') ahead(built.english, 'modulepreload');
  if (/^\/(sign-in\/?)?$/.test(location.pathname)) {
    ahead(built.outside, 'modulepreload');
    ahead(built.outsideCss, 'preload');
  }
  if (isSignedIn && /^\/(rooms|me)\b/.test(location.pathname)) {
    // The main script takes it over (ui/browser.ts); until then the handshake is under way.
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    (window as { earlySocket?: WebSocket }).earlySocket = new WebSocket(`${scheme}://${location.host}/ws`);
  }
  if (/^\/rooms\b/.test(location.pathname)) {
    // The list is not seen beside a room on a phone; the width is the one of styles/pages.css.
    if (!location.pathname[7] || matchMedia('(min-width: 900px)').matches) {
      ahead(built.rooms, 'modulepreload');
      ahead(built.roomsCss, 'preload');
    }
    ahead(built.log, 'modulepreload');
    ahead(built.logCss, 'preload');
  }
}

function ahead(href: string | undefined, rel: string): void {
  if (!href) return;
  const link = document.createElement('link');
  link.rel = rel;
  if (rel === 'preload') link.as = 'style';
  link.href = href;
  document.head.append(link);
}

early(document.documentElement, document.currentScript?.dataset ?? {});
