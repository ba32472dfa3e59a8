import { computed } from '@preact/signals';
import { lang } from '.';

const ko = {
  title: '어디에서나,\n새로운 사람과 주고받는 대화',
  lead: '처음 만나는 사람과 바로 이어지거나, 열린 방을 골라 들어가세요. 탁구처럼 가볍게 주고받으면 됩니다.',
  meet: '새로운 사람과 핑퐁',
  toRooms: '대화방으로 가기',
  features: [
    {
      title: '누구든, 지금 바로',
      text: '단추 하나로 관심사가 같은 사람과 둘만의 방이 열립니다. 여럿이 좋다면 주제별로 열린 방을 찾아보세요.',
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
  terms: '이용약관',
  privacy: '개인정보 처리방침',
  footer: '새로운 사람들과 대화하는 온라인 채팅 서비스',
};

const en: typeof ko = {
  title: 'A rally of words\nwith someone new, anywhere',
  lead: 'Meet somebody new at the press of a button, or walk into an open room. Light as table tennis: you serve, they return.',
  meet: 'Meet somebody new',
  toRooms: 'Go to my rooms',
  features: [
    {
      title: 'Anybody, right now',
      text: 'One button opens a room for two with somebody who shares your interests. Rather more of you? Explore open rooms by topic.',
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
  terms: 'Terms of use',
  privacy: 'Privacy',
  footer: 'An online chat for meeting new people',
};

/** What the landing page says. */
export const landingTexts = computed(() => (lang.value === 'ko' ? ko : en));
