import { answer, forgetOld, install, type Shell, type World } from './shell';

declare const self: ServiceWorkerGlobalScope;
declare const SHELL: Shell;

const shell = SHELL;
const world: World = {
  origin: self.location.origin,
  caches: self.caches,
  fetch: (input, init) => self.fetch(input, init),
  after: (ms, run) => void setTimeout(run, ms),
};

self.addEventListener('install', (event) => event.waitUntil(install(shell, world)));

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      await forgetOld(shell, world);
      // The page is asked for while this worker is still being started.
      await self.registration.navigationPreload?.enable();
      await self.clients.claim();
    })(),
  );
});

self.addEventListener('fetch', (event) => {
  const preloaded = event.preloadResponse as Promise<Response | undefined>;
  const answered = answer(shell, world, event.request, preloaded);
  if (!answered) return;
  event.respondWith(answered);
  // A page that came too late is not cut off.
  if (event.request.mode === 'navigate') {
    event.waitUntil(preloaded.then(() => undefined, () => undefined));
  }
});

// A new build waits until no page of the old one is open, or until somebody asks for it.
self.addEventListener('message', (event) => {
  if (event.data === 'take-over') void self.skipWaiting();
});
