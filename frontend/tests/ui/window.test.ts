import { describe, expect, it } from 'vitest';
import { Heights, LogWindow, MARGIN_PX } from '../../src/ui/chat/window';

interface Row {
  key: string;
  height: number;
}

const VIEW = 700;
const ESTIMATE = 50;

/** A page as a browser lays it out: rows of their own heights, scrolled somewhere. */
class Page {
  readonly window = new LogWindow<Row>(() => ESTIMATE);
  scroll = 0;
  rows: Row[] = [];

  constructor(readonly random: (below: number) => number) {}

  row(key: string): Row {
    return { key, height: 20 + this.random(200) };
  }

  /** Draw until what is drawn is enough, as LogView does. */
  draw(): void {
    const { window } = this;
    window.take(this.rows);
    for (let round = 0; ; round++) {
      expect(round).toBeLessThan(20);
      if (!window.covers(this.scroll, VIEW)) window.draw(this.scroll, VIEW);
      const drawn = this.rows.slice(window.from, window.to);
      window.measured(drawn.map((row, i) => [window.from + i, row.height] as const));
      this.correct();
      if (window.covers(this.scroll, VIEW)) break;
    }
    window.look(this.scroll, VIEW);
  }

  correct(isResting = false): void {
    this.scroll += this.window.correction(this.scroll, this.window.from, isResting);
  }

  scrollBy(by: number): void {
    const most = Math.max(0, this.window.end - VIEW);
    this.scroll = Math.max(0, Math.min(most, this.scroll + by));
    this.window.look(this.scroll, VIEW);
    this.draw();
  }

  /** Where the rows in sight are, on the screen. */
  sight(): Map<string, number> {
    const { window } = this;
    const seen = new Map<string, number>();
    for (let i = window.from; i < window.to; i++) {
      const top = window.top(i) - this.scroll;
      if (top >= 0 && top < VIEW) seen.set((this.rows[i] as Row).key, top);
    }
    return seen;
  }
}

function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => (state = (state * 48_271) % 2_147_483_647) % below;
}

describe('heights', () => {
  it('of other rows are kept for those that are still there', () => {
    const random = randomOf(7);
    const heights = new Heights<Row>(() => ESTIMATE);
    let rows: Row[] = [];
    const known = new Map<string, number>();
    for (let step = 0; step < 200; step++) {
      rows = [...rows];
      const at = random(rows.length + 1);
      if (random(4)) rows.splice(at, 0, { key: `${step}`, height: 0 });
      else if (rows[at]) rows[at] = { ...rows[at] };
      if (!random(5)) rows.splice(random(rows.length), random(3));
      heights.take(rows);
      if (rows.length) {
        const index = random(rows.length);
        heights.measured(index, step);
        known.set(rows[index]?.key ?? '', step);
      }
      let sum = 0;
      rows.forEach((row, i) => {
        expect(heights.top(i)).toBe(sum);
        sum += known.get(row.key) ?? ESTIMATE;
      });
      expect(heights.top(rows.length)).toBe(sum);
    }
  });

  it('say which row is at a height, and the nearest beyond the ends', () => {
    const heights = new Heights<Row>((row) => row.height);
    heights.take([10, 20, 30].map((height, i) => ({ key: `${i}`, height })));
    expect([-5, 0, 9, 10, 29, 30, 59, 60, 999].map((y) => heights.at(y))).toEqual([
      0, 0, 0, 1, 1, 2, 2, 2, 2,
    ]);
  });
});

describe('the window over a long log', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('never moves what is in sight (%i)', (seed) => {
    const random = randomOf(seed * 7_919);
    const page = new Page(random);
    let [first, last] = [5_000, 5_300];
    for (let i = first; i < last; i++) page.rows.push(page.row(`${i}`));
    page.scroll = 9_000;
    page.draw();
    for (let step = 0; step < 300; step++) {
      page.scrollBy(random(1_600) - (step % 100 < 60 ? 900 : 600));
      const before = page.sight();
      const rows = [...page.rows];
      switch (random(4)) {
        case 0: // An older page.
          rows.unshift(...Array.from({ length: 50 }, (_, i) => page.row(`${first - 50 + i}`)));
          first -= 50;
          break;
        case 1: // News.
          rows.push(page.row(`${last++}`));
          break;
        case 2: {
          // A row above the sight grows, or goes, drawn or not.
          const above = rows.findIndex((row) => row.key === [...before.keys()][0]) - 1 - random(9);
          if (above < 0) break;
          if (random(2)) rows[above] = page.row(rows[above]?.key ?? '');
          else rows.splice(above, 1);
          break;
        }
        default: // Nothing moves any more.
          page.correct(true);
      }
      page.rows = rows;
      page.draw();
      const after = page.sight();
      for (const [key, top] of before) {
        const { height } = rows.find((row) => row.key === key) ?? {};
        expect([key, height, after.get(key)]).toEqual([key, height, top]);
      }
    }
  });

  it('draws what is in sight, and not much more', () => {
    const random = randomOf(11);
    const page = new Page(random);
    page.rows = Array.from({ length: 20_000 }, (_, i) => page.row(`${i}`));
    for (let step = 0; step < 300; step++) {
      page.scrollBy(random(2) ? random(900) : random(1_000_000));
      if (page.scroll > 900_000) page.scrollBy(-800_000);
      const { from, to } = page.window;
      const [top, end] = [page.window.top(from), page.window.top(to)];
      expect(from === 0 || top <= page.scroll).toBe(true);
      expect(to === page.rows.length || end >= page.scroll + VIEW).toBe(true);
      expect(to - from).toBeLessThan((VIEW + 4 * MARGIN_PX) / 20);
    }
  });

  it.each([
    ['higher', 200],
    ['lower', 20],
  ])('has the first row at the very beginning, rows being %s than thought', (_, height) => {
    const page = new Page(randomOf(13));
    page.rows = Array.from({ length: 500 }, (__, i) => ({ key: `${i}`, height }));
    page.scroll = 20_000;
    page.draw();
    while (page.scroll > 0) page.scrollBy(-300);
    expect(page.window.from).toBe(0);
    expect(page.window.top(0)).toBe(0);
  });

  it('keeps the row after it in its place when the one in sight goes', () => {
    const page = new Page(randomOf(17));
    page.rows = Array.from({ length: 100 }, (_, i) => page.row(`${i}`));
    page.scroll = 2_000;
    page.draw();
    const [, [key, top] = []] = [...page.sight()];
    // As a day does, before which older chats of the same day come.
    const index = page.rows.findIndex((row) => row.key === key);
    page.rows = [page.row('older'), ...page.rows.filter((_, i) => i >= index)];
    page.draw();
    expect(page.sight().get(key ?? '')).toBe(top);
  });
});
