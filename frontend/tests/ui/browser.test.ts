// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { browserWorld } from '../../src/ui/browser';

class FakeSocket {
  static readonly OPEN = 1;
  static made: FakeSocket[] = [];
  onopen?: () => void;
  constructor(readonly url: string) {
    FakeSocket.made.push(this);
  }
  readyState = 0;
  sent: string[] = [];
  send = (frame: string) => void this.sent.push(frame);
  close = () => {};
}

const page = window as unknown as { earlySocket?: FakeSocket | undefined };

beforeEach(() => {
  FakeSocket.made = [];
  vi.stubGlobal('WebSocket', FakeSocket);
});

afterEach(() => {
  delete page.earlySocket;
  vi.unstubAllGlobals();
});

async function dial() {
  const events = { opened: vi.fn(), frame: vi.fn(), closed: vi.fn() };
  const socket = browserWorld().dial(events);
  await Promise.resolve();
  return { events, socket };
}

it('goes on with the socket that was opened before this script was there, once', async () => {
  const early = (page.earlySocket = new FakeSocket('early'));
  early.readyState = FakeSocket.OPEN;
  const { events, socket } = await dial();
  expect(events.opened).toHaveBeenCalledOnce();
  socket.send('hello');
  expect(early.sent).toEqual(['hello']);
  expect((await dial()).events.opened).not.toHaveBeenCalled();
  expect(FakeSocket.made).toHaveLength(2);
});

it('waits for an early socket that is not open yet', async () => {
  const early = (page.earlySocket = new FakeSocket('early'));
  const { events } = await dial();
  expect(events.opened).not.toHaveBeenCalled();
  early.onopen?.();
  expect(events.opened).toHaveBeenCalledOnce();
});

it('dials anew when the early socket is closed already', async () => {
  const early = (page.earlySocket = new FakeSocket('early'));
  early.readyState = 3;
  await dial();
  expect(FakeSocket.made).toHaveLength(2);
});
