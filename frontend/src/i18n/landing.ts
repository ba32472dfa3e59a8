import { computed } from '@preact/signals';
import { lang } from '.';

const ko = {
  title: '어디에서나,\n새로운 사람과 주고받는 대화',
  lead: '이름 하나로 대화방을 찾거나 만들고, 바로 이야기를 시작하세요. 탁구처럼 가볍게 주고받으면 됩니다.',
  toRooms: '대화방으로 가기',
  features: [
    {
      title: '이름만 알면 입장',
      text: '검색과 만들기가 한 칸에 있습니다. 있는 방이면 들어가고, 없으면 그 자리에서 만들어집니다.',
    },
    {
      title: '끊겨도 이어지는 대화',
      text: '터널 안에서 쓴 글은 연결되면 저절로 보내지고, 놓친 글은 순서대로 채워집니다.',
    },
    {
      title: '남는 것은 최소한',
      text: '카카오 계정 하나로 시작하고, 언제든 탈퇴하면 이름이 모든 대화에서 사라집니다.',
    },
  ],
  footer: '새로운 사람들과 대화하는 온라인 채팅 서비스',
};

const en: typeof ko = {
  title: 'A rally of words\nwith someone new, anywhere',
  lead: 'Find or make a room by its name and start talking. Light as table tennis: you serve, they return.',
  toRooms: 'Go to my rooms',
  features: [
    {
      title: 'A name is enough',
      text: 'Searching and creating share one box. If the room exists you walk in; if not, it is made on the spot.',
    },
    {
      title: 'Survives the tunnel',
      text: 'What you write offline goes out by itself later, and what you missed is filled in, in order.',
    },
    {
      title: 'Leaves little behind',
      text: 'One Kakao account is all it takes. Withdraw at any time and your name disappears everywhere.',
    },
  ],
  footer: 'An online chat for meeting new people',
};

/** What the landing page says. */
export const landingTexts = computed(() => (lang.value === 'ko' ? ko : en));
