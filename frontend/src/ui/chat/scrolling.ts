import type { Row } from './rows';
import { LogWindow } from './window';

/** So near to the bottom counts as at the bottom. */
const STUCK_PX = 48;
/** Older chats are asked for so many screens before their place comes into sight. */
const EARLY_SCREENS = 4;
/** Before the page was laid out. */
const SCREEN_PX = 900;

/** A row that is to be brought into sight as soon as it is drawn. */
interface Aim {
  key: string;
  /** How far down the screen, from 0 to 1. */
  place: number;
  reached: (line: HTMLElement) => void;
}

/** The part of a log that is drawn, held against the page: measures, spaces, scrolls. */
export class Scrolling {
  readonly window = new LogWindow<Row>(estimate);
  /** The end of the log is in sight, and stays so. */
  isStuck = true;
  /** Whether the end of what is drawn is the end of the log. */
  mayStick = true;
  #box: HTMLElement | null = null;
  #list: HTMLElement | null = null;
  /** Upper edge of the sight, from where the rows begin; and how high it is. */
  #y = 0;
  #height = SCREEN_PX;
  /** How far the page was scrolled when it was looked at last. */
  #top = 0;
  #drawn: readonly number[] = [];
  #aim: Aim | null = null;

  /** Args: `redraw`: other rows have to be drawn than are. */
  constructor(private readonly redraw: () => void) {}

  attach(box: HTMLElement | null, list: HTMLElement | null): void {
    this.#box = box;
    this.#list = list;
  }

  get isNearTop(): boolean {
    const screens = this.isStuck ? 0.5 : EARLY_SCREENS;
    return this.#y - this.window.top(0) < screens * this.#height;
  }

  get isNearEnd(): boolean {
    return this.window.end - this.#y < (EARLY_SCREENS + 1) * this.#height;
  }

  /** Whether a row begins above what is in sight. */
  isAbove(index: number): boolean {
    return this.window.top(index) < this.#y;
  }

  /** Which of these rows to draw: what is in sight and around it, and the one with the focus. */
  choose(rows: readonly Row[], active: string): readonly number[] {
    const { window } = this;
    window.take(rows);
    this.isStuck &&= this.mayStick;
    if (this.isStuck) this.#y = window.end - this.#height;
    if (!window.covers(this.#y, this.#height)) window.draw(this.#y, this.#height);
    const { from, to } = window;
    const drawn: number[] = [];
    for (let i = from; i < to; i++) drawn.push(i);
    const focused = active ? window.heights.find(active, from) : -1;
    if (focused >= 0 && focused < from) drawn.unshift(focused);
    if (focused >= to) drawn.push(focused);
    return (this.#drawn = drawn);
  }

  /** What was chosen has been drawn, or something has changed its size. */
  settle(): void {
    const box = this.#box;
    // Before anything is measured: a page that is too short for a moment is scrolled elsewhere.
    this.#space();
    if (!box?.clientHeight) return;
    // The focus may have scrolled, which is told of only later.
    if (this.isStuck && box.scrollTop !== this.#top) this.isStuck = this.#isAtEnd(box);
    this.window.measured(this.#measure());
    this.#correct(this.isStuck);
    if (this.isStuck) box.scrollTop = box.scrollHeight;
    this.#take(box);
  }

  /** The reader has scrolled. */
  scrolled(): void {
    const box = this.#box;
    if (!box) return;
    this.isStuck = this.mayStick && this.#isAtEnd(box);
    this.#take(box);
  }

  /** Nothing moves any more. */
  rested(): void {
    if (!this.isStuck) this.#correct(true);
  }

  /** Bring a row into sight, at `place` of the screen, from 0 to 1. */
  reveal(index: number, place: number, reached: Aim['reached']): void {
    const row = this.window.heights.rows[index];
    if (!row) return;
    this.isStuck = false;
    this.window.hold(index);
    this.#aim = { key: row.key, place, reached };
    this.#y = this.window.top(index) - this.#height * place;
    this.window.draw(this.#y, this.#height);
    this.redraw();
  }

  #isAtEnd(box: HTMLElement): boolean {
    return box.scrollHeight - box.scrollTop - box.clientHeight < STUCK_PX;
  }

  #take(box: HTMLElement): void {
    this.#height = box.clientHeight || SCREEN_PX;
    this.#goOn(box);
    this.#top = box.scrollTop;
    this.#y = this.#top - this.#base;
    if (!this.isStuck) this.window.look(this.#y, this.#height);
    if (!this.window.covers(this.#y, this.#height)) this.redraw();
  }

  /** To what is aimed at, now that it is there. */
  #goOn(box: HTMLElement): void {
    const aim = this.#aim;
    if (!aim) return;
    this.#aim = null;
    const index = this.window.heights.find(aim.key, this.window.from);
    const line = this.#lineOf(index);
    if (!line) return;
    const height = this.window.top(index + 1) - this.window.top(index);
    const above = Math.max(0, this.#height * aim.place - height / 2);
    box.scrollTop = this.#base + this.window.top(index) - above;
    // Where that scrolls nothing, no event tells that it is the end.
    this.isStuck = this.mayStick && this.#isAtEnd(box);
    aim.reached(line);
  }

  #lineOf(index: number): HTMLElement | undefined {
    const lines = this.#list?.querySelectorAll<HTMLElement>(':scope > :not(.log-space)') ?? [];
    return lines[this.#drawn.indexOf(index)];
  }

  /** Where the rows begin in what is scrolled. */
  get #base(): number {
    return this.#list?.offsetTop ?? 0;
  }

  #correct(isResting: boolean): void {
    const first = this.#drawn[0] ?? 0;
    const moved = this.window.correction(this.#y, first, isResting);
    this.#space();
    if (!moved || !this.#box) return;
    this.#box.scrollTop += moved;
    this.#y += moved;
  }

  /** How high the rows that are drawn are, each with the space between it and the one before. */
  *#measure(): Generator<[number, number]> {
    let next = 0;
    let edge = 0;
    for (const each of this.#list?.children ?? []) {
      const { bottom } = each.getBoundingClientRect();
      if (!isSpace(each)) yield [this.#drawn[next++] ?? 0, bottom - edge];
      edge = bottom;
    }
  }

  /** Keep free what the rows need that are not drawn. */
  #space(): void {
    const { window } = this;
    let end = 0;
    let next = 0;
    for (const each of this.#list?.children ?? []) {
      if (!isSpace(each)) {
        end = window.top((this.#drawn[next++] ?? 0) + 1);
        continue;
      }
      const index = this.#drawn[next];
      const begin = index === undefined ? window.end : window.top(index);
      (each as HTMLElement).style.height = `${Math.max(0, begin - end)}px`;
    }
  }
}

function isSpace(element: Element): boolean {
  return element.classList.contains('log-space');
}

/** How high a row may be that was not drawn yet. */
function estimate(row: Row): number {
  if (row.type !== 'chat') return 46;
  return (row.isFirst ? 54 : 43) + 20 * Math.floor(Math.min(row.text.length, 2_000) / 24);
}
