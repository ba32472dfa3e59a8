import { gzipSync } from 'node:zlib';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What the first load may weigh, JavaScript and CSS together, compressed. */
export const BUDGET_BYTES = 40 * 1024;

/** A Vite plugin that weighs what index.html loads, and fails the build when it is too much. */
export function budget() {
  let outDir = 'dist';
  return {
    name: 'budget',
    apply: 'build',
    configResolved(config) {
      outDir = config.build.outDir;
    },
    closeBundle() {
      const html = readFileSync(join(outDir, 'index.html'), 'utf8');
      const paths = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((m) => m[1]);
      let total = 0;
      for (const path of paths) {
        const bytes = gzipSync(readFileSync(join(outDir, path)), { level: 9 }).length;
        total += bytes;
        console.log(`${(bytes / 1024).toFixed(1).padStart(6)} KB gzip  ${path}`);
      }
      const en = readdirSync(join(outDir, 'assets')).find((name) => /^en-.*\.js$/.test(name));
      const english = gzipSync(readFileSync(join(outDir, 'assets', en)), { level: 9 }).length;
      console.log(`${(total / 1024).toFixed(1).padStart(6)} KB gzip  first load, of ${BUDGET_BYTES / 1024} KB; English adds ${(english / 1024).toFixed(1)}`);
      if (/<script(?![^>]*\bsrc=)|<style|\son\w+=|style=/.test(html)) {
        throw new Error('index.html has inline code or style, which the site’s CSP forbids');
      }
      if (total > BUDGET_BYTES) {
        throw new Error(`first load is over budget: ${total} of ${BUDGET_BYTES} bytes`);
      }
    },
  };
}
