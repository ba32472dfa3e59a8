import { configureStore, createSlice } from '@reduxjs/toolkit';

const chat = createSlice({
  name: 'chat',
  initialState: { me: null, rooms: [], users: {}, entries: {}, entered: {} },
  reducers: {
    greeted(state, { payload }) {
      state.me = payload.me;
      state.rooms = payload.rooms;
      Object.assign(state.users, payload.users);
    },
    entered(state, { payload }) {
      state.entered[payload.room.room_id] = payload.room;
      state.entries[payload.room.room_id] = payload.entries;
      Object.assign(state.users, payload.users);
    },
    added(state, { payload }) {
      Object.assign(state.users, payload.users);
      const entries = (state.entries[payload.room_id] ??= []);
      for (const entry of payload.entries) {
        if (!entries.some((each) => each.seq === entry.seq)) entries.push(entry);
      }
      entries.sort((a, b) => a.seq - b.seq);
    },
  },
});

export const { greeted, entered, added } = chat.actions;
export const store = configureStore({ reducer: { chat: chat.reducer } });
