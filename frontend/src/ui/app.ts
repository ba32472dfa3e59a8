import { batch, signal, type Signal } from '@preact/signals';
import type { FailureCode } from '../core/failure';
import { wipe } from '../core/kept';
import { Session, type Topic } from '../core/session';
import { lang, loadLang, preferredLang, texts, type Lang } from '../i18n';
import { browserWorld, store } from './browser';
import { failures, lookalikes, sounds } from './chunks';
import { navigate, route } from './router';

// --- What has changed, batched per frame

const versions = new Map<Topic, Signal<number>>();
const dirty = new Set<Topic>();

function version(topic: Topic): Signal<number> {
  let found = versions.get(topic);
  if (!found) versions.set(topic, (found = signal(0)));
  return found;
}

/** In a component: render again whenever one of these changes. */
export function watch(...topics: Topic[]): void {
  for (const topic of topics) void version(topic).value;
}

function flush(): void {
  const topics = [...dirty];
  dirty.clear();
  batch(() => {
    for (const topic of topics) version(topic).value++;
  });
}

/** A busy room brings many frames in one blink; the page is drawn once. */
function changed(topic: Topic): void {
  if (topic === 'connection') connectionChanged();
  guard();
  if (dirty.size === 0) {
    if (document.visibilityState === 'visible') requestAnimationFrame(flush);
    else setTimeout(flush, 250);
  }
  dirty.add(topic);
}

// --- The session of this page

let current: Session | null = null;

/** The session, dialled when it is needed first. */
export function session(): Session {
  if (!current) {
    current = new Session(browserWorld(), changed);
    current.start();
  }
  return current;
}

/**
 * Edits and deletions live as long as the page; chats on their way are stored. Asks only while
 * there is something to lose: some browsers keep no page for "Back" that listens to this.
 */
function guard(): void {
  onbeforeunload = current?.unkept ? (event) => event.preventDefault() : null;
}

export function hasSession(): boolean {
  return current !== null;
}

/** Nobody is signed in (any more): let go, and offer to sign in. */
export function toSignIn(reason: FailureCode | ''): void {
  const next = location.pathname + location.search;
  current?.abandon();
  current = null;
  guard();
  setSignedIn(false);
  signInReason.value = reason;
  navigate(`/sign-in?next=${encodeURIComponent(next)}`, 'replace');
}

/** Told to the other tabs, and taken back at once: its value is who is to be forgotten. */
const BYE = 'ping-pong.bye';

/** Somebody has signed out: nothing of them stays on this device, whichever tab wrote it. */
export function forget(): void {
  const userId = session().forget();
  store.set(BYE, userId);
  store.remove(BYE);
  setSignedIn(false);
}

/** Another tab has signed out, and this one may have written something since; or it was set. */
function onStorage({ key, newValue }: StorageEvent): void {
  if (key === SOUNDS) hasSounds.value = newValue === null;
  if (key !== BYE || newValue === null) return;
  const here = current;
  here?.forget();
  wipe(store, newValue);
  if (here) toSignIn('signed_out');
}

const SIGNED_IN = 'ping-pong.signed-in';

/** Whether somebody is signed in here, as far as is known without asking the server. */
export const isSignedIn = signal(store.get(SIGNED_IN) !== null);

export function setSignedIn(isIn: boolean): void {
  isSignedIn.value = isIn;
  if (isIn) store.set(SIGNED_IN, '1');
  else store.remove(SIGNED_IN);
}

/** Why one stands on the sign-in page. */
export const signInReason = signal<FailureCode | ''>('');

/** When what one has come for is on its way, and is not held up by this. */
const LATER_MS = 1_000;

function loadLater(): void {
  void sounds.load();
  void failures.load();
  void lookalikes.load();
}

function connectionChanged(): void {
  if (current?.connection.state === 'online') {
    if (!isSignedIn.peek()) setSignedIn(true);
    setTimeout(loadLater, LATER_MS);
  }
  if (current?.connection.state === 'signed_out') {
    const why = current.connection.refusal || (current.ready ? 'signed_out' : '');
    // Not in the middle of the connection's own work.
    queueMicrotask(() => toSignIn(why));
  }
}

export function startSessionEvents(): void {
  // What was said about one page is not about the next.
  route.subscribe(() => say(''));
  const network = () => current?.networkChanged();
  addEventListener('online', network);
  addEventListener('offline', network);
  // Wi-Fi to mobile and back, where the browser tells.
  (navigator as { connection?: EventTarget }).connection?.addEventListener('change', network);
  addEventListener('storage', onStorage);
  addEventListener('pagehide', () => current?.leaving());
  document.addEventListener('visibilitychange', () => {
    isVisible.value = document.visibilityState === 'visible';
    current?.visibilityChanged();
  });
}

const wide = matchMedia('(min-width: 900px)');

/** Room for two panes; the same width as in styles/pages.css. */
export const isWide = signal(wide.matches);
wide.addEventListener('change', () => (isWide.value = wide.matches));

export const isVisible = signal(document.visibilityState === 'visible');

const TICK_MS = 20_000;
let ticking: ReturnType<typeof setInterval> | undefined;

/** Goes up as time passes, for those who show how long ago something was; one timer for all. */
export const ticks: Signal<number> = signal(0, {
  watched: () => void (ticking = setInterval(() => ticks.value++, TICK_MS)),
  unwatched: () => clearInterval(ticking),
});

// --- Short messages

export const toast = signal('');
let toastTimer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  clearTimeout(toastTimer);
  toast.value = text;
  toastTimer = setTimeout(() => (toast.value = ''), 3_500);
}

const FAREWELL = 'ping-pong.withdrawn';

/** The page is loaded anew after a withdrawal; what is to be said waits for that. */
export function sayFarewellNext(): void {
  store.set(FAREWELL, '1');
}

export function sayFarewell(): void {
  if (store.get(FAREWELL) === null) return;
  store.remove(FAREWELL);
  say(texts.peek().me.withdrawn);
}

// --- Language, theme and sounds

const SOUNDS = 'ping-pong.sounds';

/** Whether new chats are heard on this device. */
export const hasSounds = signal(store.get(SOUNDS) === null);

export function setSounds(isOn: boolean): void {
  hasSounds.value = isOn;
  if (isOn) store.remove(SOUNDS);
  else store.set(SOUNDS, 'off');
}

export type Theme = 'auto' | 'light' | 'dark';
export const theme = signal<Theme>('auto');

let wantedLang: Lang = 'ko';
const LANG_RETRY_MS = 5_000;

/** The page stays as it is until the language's texts are there; they are tried again and again. */
async function applyLang(next: Lang): Promise<boolean> {
  wantedLang = next;
  const hasLoaded = await loadLang(next).then(
    () => true,
    () => false,
  );
  // Another one may be wanted by now.
  if (next !== wantedLang) return true;
  if (hasLoaded) lang.value = next;
  else setTimeout(() => next === wantedLang && void applyLang(next), LANG_RETRY_MS);
  document.documentElement.lang = lang.peek();
  return hasLoaded;
}

export async function setLang(next: Lang): Promise<void> {
  store.set('ping-pong.lang', next);
  if (!(await applyLang(next))) say(texts.peek().notLoaded);
}

export function setTheme(next: Theme): void {
  theme.value = next;
  if (next === 'auto') {
    store.remove('ping-pong.theme');
    delete document.documentElement.dataset.theme;
  } else {
    store.set('ping-pong.theme', next);
    document.documentElement.dataset.theme = next;
  }
}

/** Resolves when the page can be drawn in the language of who reads it, or else in Korean. */
export async function loadChoices(): Promise<void> {
  const stored = store.get('ping-pong.theme');
  theme.value = stored === 'light' || stored === 'dark' ? stored : 'auto';
  await applyLang(preferredLang(store.get('ping-pong.lang'), navigator.language));
}
