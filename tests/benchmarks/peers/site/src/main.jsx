import { ConfigProvider } from 'antd';
import koKR from 'antd/locale/ko_KR';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'react-redux';
import { createHashRouter, RouterProvider } from 'react-router-dom';
import 'antd/dist/reset.css';
import { connect } from './socket';
import { store } from './store';
import { Chat } from './Chat';
import { Rooms } from './Rooms';

const router = createHashRouter([
  { path: '/rooms', element: <Rooms /> },
  { path: '/rooms/:roomId', element: <Chat /> },
]);

connect(store);

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <Provider store={store}>
      <ConfigProvider locale={koKR} theme={{ token: { colorPrimary: '#0f5f66' } }}>
        <RouterProvider router={router} />
      </ConfigProvider>
    </Provider>
  </StrictMode>,
);
