import { added, entered, greeted } from './store';

let socket;
let greeting;
let refs = 0;
const waiting = new Map();

/** A command; resolves with its answer. */
export function request(type, body = {}) {
  const ref = String(++refs);
  socket.send(JSON.stringify({ type, ref, ...body }));
  return new Promise((resolve) => waiting.set(ref, resolve));
}

export function connect(store) {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  socket = new WebSocket(`${scheme}://${location.host}/ws`);
  greeting = new Promise((resolve) => {
    socket.onopen = async () => {
      store.dispatch(greeted(await request('session.hello')));
      resolve();
    };
  });
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    const done = waiting.get(frame.ref);
    if (done) {
      waiting.delete(frame.ref);
      done(frame);
    } else if (frame.type === 'entries.added') {
      store.dispatch(added(frame));
    }
  };
}

export const enter = (roomId) => async (dispatch) => {
  await greeting;
  dispatch(entered(await request('room.enter', { room_id: roomId })));
};

export const say = (roomId, text) => () =>
  request('chat.send', { room_id: roomId, cid: crypto.randomUUID(), text });
