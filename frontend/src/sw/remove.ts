import { forgetAll } from './shell';

declare const self: ServiceWorkerGlobalScope;

// Instead of the worker, when a release wants none: pages go straight to the network again.
self.addEventListener('install', () => void self.skipWaiting());
self.addEventListener('activate', (event) => {
  event.waitUntil(forgetAll(self).then(() => self.registration.unregister()));
});
