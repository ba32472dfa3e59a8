/// <reference types="vitest/config" />
import { defineConfig } from 'vite';
import { budget } from './scripts/budget.mjs';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: ['chrome111', 'firefox114', 'safari16.4'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  plugins: [budget()],
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
