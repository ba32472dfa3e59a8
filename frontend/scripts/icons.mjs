/** Draws the app's icons from favicon.svg with Chromium: `node scripts/icons.mjs`. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const GROUND = '#f3f7f6';
const folder = new URL('../public/', import.meta.url).pathname;
const drawing = readFileSync(join(folder, 'favicon.svg'), 'utf8');

/** The drawing takes `share` of the icon's side; the corners are round by `radius` of it. */
const icons = [
  { name: 'icon-192', side: 192, share: 0.82, radius: 0.22 },
  { name: 'icon-512', side: 512, share: 0.82, radius: 0.22 },
  // Systems cut these themselves; what is in the middle four fifths is never lost.
  { name: 'icon-maskable-512', side: 512, share: 0.62, radius: 0 },
  { name: 'icon-180', side: 180, share: 0.76, radius: 0 },
];

const work = mkdtempSync(join(tmpdir(), 'icons-'));
for (const { name, side, share, radius } of icons) {
  const inner = side * share;
  const page = join(work, `${name}.html`);
  writeFileSync(
    page,
    `<!doctype html><style>
      html, body { margin: 0; background: transparent }
      div { display: grid; place-items: center; width: ${side}px; height: ${side}px;
            border-radius: ${side * radius}px; background: ${GROUND} }
      svg { width: ${inner}px; height: ${inner}px }
    </style><div>${drawing}</div>`,
  );
  execFileSync(CHROMIUM, [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    '--default-background-color=00000000',
    `--window-size=${side},${side}`,
    `--screenshot=${join(folder, `${name}.png`)}`,
    `file://${page}`,
  ]);
}
rmSync(work, { recursive: true });
