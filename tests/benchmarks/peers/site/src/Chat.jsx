import { ArrowLeftOutlined, SendOutlined } from '@ant-design/icons';
import { Avatar, Button, Input, Layout, List, Space, Spin, Typography } from 'antd';
import dayjs from 'dayjs';
import { useEffect, useRef, useState } from 'react';
import { useDispatch, useSelector } from 'react-redux';
import { useNavigate, useParams } from 'react-router-dom';
import { enter, say } from './socket';

export function Chat() {
  const { roomId } = useParams();
  const dispatch = useDispatch();
  const navigate = useNavigate();
  const { me, users } = useSelector((state) => state.chat);
  const room = useSelector((state) => state.chat.entered[roomId]);
  const entries = useSelector((state) => state.chat.entries[roomId]) ?? [];
  const [text, setText] = useState('');
  const end = useRef(null);

  useEffect(() => {
    dispatch(enter(roomId));
  }, [roomId]);
  useEffect(() => {
    end.current?.scrollIntoView();
  }, [entries.length]);

  const send = () => {
    if (!text.trim()) return;
    dispatch(say(roomId, text.trim()));
    setText('');
  };

  return (
    <Layout style={{ height: '100vh' }}>
      <Layout.Header style={{ display: 'flex', alignItems: 'center', color: '#fff' }}>
        <Button
          type="text"
          icon={<ArrowLeftOutlined style={{ color: '#fff' }} />}
          onClick={() => navigate('/rooms')}
        />
        {room?.name}
      </Layout.Header>
      <Layout.Content style={{ overflow: 'auto', padding: 16 }}>
        <Spin spinning={!room}>
          <List
            dataSource={entries.filter((entry) => entry.text)}
            renderItem={(entry) => (
              <List.Item key={entry.seq}>
                <List.Item.Meta
                  avatar={<Avatar>{users[entry.user_id]?.nickname[0]}</Avatar>}
                  title={
                    <Space>
                      {entry.user_id === me?.user_id ? '나' : users[entry.user_id]?.nickname}
                      <Typography.Text type="secondary">
                        {dayjs(entry.at).format('HH:mm')}
                      </Typography.Text>
                    </Space>
                  }
                  description={entry.text}
                />
              </List.Item>
            )}
          />
          <div ref={end} />
        </Spin>
      </Layout.Content>
      <Layout.Footer style={{ padding: 8 }}>
        <Space.Compact style={{ width: '100%' }}>
          <Input.TextArea
            autoSize={{ maxRows: 5 }}
            value={text}
            disabled={!room}
            placeholder="메시지를 입력하세요"
            onChange={(event) => setText(event.target.value)}
            onPressEnter={(event) => {
              if (event.shiftKey || event.nativeEvent.isComposing) return;
              event.preventDefault();
              send();
            }}
          />
          <Button type="primary" icon={<SendOutlined />} onClick={send} />
        </Space.Compact>
      </Layout.Footer>
    </Layout>
  );
}
