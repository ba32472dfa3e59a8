// @vitest-environment happy-dom
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const here = { ready: false, connection: { state: 'connecting' } };
vi.mock('../../src/ui/app', () => ({ session: () => here, watch: () => {} }));
const { StatusLine } = await import('../../src/ui/StatusLine');

const root = document.createElement('div');
const line = () => root.querySelector('[role=status]');

beforeEach(async () => {
  vi.useFakeTimers();
  here.ready = false;
  here.connection.state = 'connecting';
  await act(() => render(<StatusLine />, root));
});

afterEach(() => {
  render(null, root);
  vi.useRealTimers();
});

const pass = (ms: number) => act(() => void vi.advanceTimersByTime(ms));

it('moves nothing while a slow phone connects for the first time', async () => {
  await pass(3_500);
  expect(line()?.className).toBe('hidden');
  await pass(1_000);
  expect(line()?.className).toBe('status');
});

it('says soon that a connection is gone which was there', async () => {
  here.ready = true;
  here.connection.state = 'online';
  await act(() => render(<StatusLine />, root));
  here.connection.state = 'connecting';
  await act(() => render(<StatusLine key="again" />, root));
  await pass(1_000);
  expect(line()?.className).toBe('status');
});
