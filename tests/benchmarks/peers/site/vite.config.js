import { defineConfig } from 'vite';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'react' } },
  build: { rollupOptions: { input: 'peer.html' }, chunkSizeWarningLimit: 2000 },
});
