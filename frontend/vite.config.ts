/// <reference types="vitest/config" />
import { defineConfig, type Plugin } from 'vite';
import { budget } from './scripts/budget.mjs';
import { early } from './scripts/early.mjs';
import { serviceWorker } from './scripts/worker.mjs';

/** `Features.LightDark` of lightningcss, which is not a dependency of ours. */
const LIGHT_DARK = 1 << 20;

/**
 * Chunks are loaded by `import()` alone: they import nothing but the first one, and load their
 * styles themselves (src/ui/chunk.ts), so that what failed can be tried again. Vite's helper for
 * both would be a fiftieth of the first load.
 */
function plainImports(): Plugin {
  return {
    name: 'plain-imports',
    enforce: 'pre',
    load: (id) =>
      id.endsWith('vite/preload-helper.js')
        ? 'export const __vitePreload = (load) => load();'
        : null,
  };
}

export default defineConfig({
  // `h` itself, not the automatic runtime, which would be another 0.3 KB of the first load.
  oxc: {
    jsx: { runtime: 'classic', pragma: 'h', pragmaFrag: 'Fragment' },
    jsxInject: "import { h, Fragment } from 'preact'",
  },
  css: {
    // Nothing here uses light-dark(), but its stand-in is written wherever `color-scheme` is.
    lightningcss: { exclude: LIGHT_DARK },
  },
  build: {
    target: ['chrome111', 'firefox114', 'safari16.4'],
    // What `plainImports` does not load needs no list, of which each name is a part of the first load.
    modulePreload: { polyfill: false, resolveDependencies: () => [] },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // What everybody needs is one file, which also holds what chunks share.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'index', tags: ['$initial'] }] } } },
  },
  plugins: [plainImports(), early(), serviceWorker(), budget()],
  server: {
    proxy: {
      '/api': 'http://localhost:8000',
      '/ws': { target: 'ws://localhost:8000', ws: true },
    },
  },
  test: {
    include: ['tests/**/*.test.{ts,tsx}'],
    maxWorkers: 2,
  },
});
