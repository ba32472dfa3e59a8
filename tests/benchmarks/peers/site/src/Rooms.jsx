import { TeamOutlined } from '@ant-design/icons';
import { Avatar, Badge, Layout, List, Skeleton, Typography } from 'antd';
import dayjs from 'dayjs';
import { useSelector } from 'react-redux';
import { useNavigate } from 'react-router-dom';

export function Rooms() {
  const { me, rooms } = useSelector((state) => state.chat);
  const navigate = useNavigate();
  return (
    <Layout style={{ height: '100vh' }}>
      <Layout.Header style={{ color: '#fff' }}>Ping-Pong</Layout.Header>
      <Layout.Content style={{ overflow: 'auto', padding: 16 }}>
        <Typography.Title level={3}>대화방</Typography.Title>
        {me ? (
          <List
            dataSource={rooms}
            renderItem={(room) => (
              <List.Item
                key={room.room_id}
                onClick={() => navigate(`/rooms/${room.room_id}`)}
                extra={<Badge count={room.unread} />}
              >
                <List.Item.Meta
                  avatar={<Avatar icon={<TeamOutlined />} />}
                  title={`${room.name} (${room.member_count})`}
                  description={room.preview?.text}
                />
                {room.active_at && dayjs(room.active_at).format('HH:mm')}
              </List.Item>
            )}
          />
        ) : (
          <Skeleton active avatar />
        )}
      </Layout.Content>
    </Layout>
  );
}
