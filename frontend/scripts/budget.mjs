import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What may be loaded before anything is shown, scripts and styles, compressed. */
export const BUDGET_BYTES = 38.75 * 1024;

/** The same until one reads and writes in a room: it comes beside the first, while one connects. */
export const ROOM_BUDGET_BYTES = 47 * 1024;

/** What a room needs beside what index.html names, by where the page says it is (early.mjs). */
const ROOM = ['log', 'log-css'];

/** A Vite plugin that weighs what index.html and a room load, and fails the build over budget. */
export function budget() {
  let outDir = 'dist';
  return {
    name: 'budget',
    apply: 'build',
    configResolved(config) {
      outDir = config.build.outDir;
    },
    writeBundle() {
      const html = readFileSync(join(outDir, 'index.html'), 'utf8');
      const named = [...html.matchAll(/ (?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((m) => m[1]);
      const weigh = (path) => gzipSync(readFileSync(join(outDir, path)), { level: 9 }).length;
      const chunk = (name) => {
        const found = new RegExp(` data-${name}="/([^"]+)"`).exec(html);
        if (!found) throw new Error(`index.html does not say where ${name} is`);
        return found[1];
      };
      const sum = (paths) => paths.reduce((total, path) => total + weigh(path), 0);
      const room = ROOM.map(chunk);
      for (const path of [...named, ...room]) console.log(`${kb(weigh(path))} KB gzip  ${path}`);
      const first = sum(named);
      const whole = first + sum(room);
      const more = ['rooms', 'english'].map((name) => `${name} ${kb(weigh(chunk(name))).trim()}`);
      console.log(
        `${kb(first)} KB gzip  first load, of ${kb(BUDGET_BYTES)}; until a room is usable` +
          `${kb(whole)}, of ${kb(ROOM_BUDGET_BYTES)}; more: ${more.join(', ')}`,
      );
      if (/<script(?![^>]*\bsrc=)|<style|\son\w+=|style=/.test(html)) {
        throw new Error('index.html has inline code or style, which the site’s CSP forbids');
      }
      if (first > BUDGET_BYTES) {
        throw new Error(`first load is over budget: ${first} of ${BUDGET_BYTES} bytes`);
      }
      if (whole > ROOM_BUDGET_BYTES) {
        throw new Error(`a room is over budget: ${whole} of ${ROOM_BUDGET_BYTES} bytes`);
      }
    },
  };
}

function kb(bytes) {
  return (bytes / 1024).toFixed(1).padStart(6);
}
