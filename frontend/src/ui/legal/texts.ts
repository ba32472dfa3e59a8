import { computed } from '@preact/signals';
import { lang } from '../../i18n';
import { TERMS_VERSION } from '../../protocol';

interface Part {
  title: string;
  text?: string;
  list?: string[];
}

interface Page {
  title: string;
  lead: string;
  parts: Part[];
}

/** Whoever changes what these mean raises TERMS_VERSION (chalicelib/limits.py). */
const ko = {
  version: `버전 ${TERMS_VERSION}`,
  contactTitle: '문의',
  contact: '궁금한 점이나 요청은 여기로 보내 주세요:',
  noContact: '궁금한 점이나 요청은 이 사이트를 운영하는 사람에게 알려 주세요.',
  terms: {
    title: '이용약관',
    lead: '핑퐁에서 서로 편하게 이야기하기 위한 약속입니다.',
    parts: [
      {
        title: '누가 쓸 수 있나요',
        text: '만 14세 이상이고 카카오 계정이 있으면 누구나 무료로 쓸 수 있습니다. 계정은 본인만 써야 합니다.',
      },
      {
        title: '하면 안 되는 일',
        list: [
          '남을 괴롭히거나 위협하는 일, 혐오와 차별',
          '음란물, 원하지 않는 성적인 말, 불법 촬영물',
          '아동·청소년을 대상으로 하는 성적인 접근이나 착취',
          '사기, 사칭, 광고 도배',
          '다른 사람의 개인정보를 동의 없이 올리는 일',
          '서비스를 방해하거나 자동으로 대량 이용하는 일',
        ],
      },
      {
        title: '지키지 않으면',
        text: '방장과 부방장은 자기 방에서 메시지를 지우거나 사람을 내보낼 수 있습니다. 신고가 들어오면 운영자가 내용을 보고 메시지를 지우거나 1일에서 60일까지 이용을 정지할 수 있습니다. 탈퇴하고 다시 가입해도 제재는 이어집니다.',
      },
      {
        title: '내가 쓴 글',
        text: '쓴 글의 권리는 쓴 사람에게 있습니다. 핑퐁은 대화를 전하고 보관하는 데 필요한 만큼만 다룹니다. 대화방의 글은 그 방의 멤버가 볼 수 있고, 나중에 들어온 사람도 앞의 대화를 볼 수 있습니다.',
      },
      {
        title: '그만두기',
        text: '언제든지 ‘내 정보’에서 탈퇴할 수 있습니다. 무엇이 지워지고 무엇이 남는지는 탈퇴하기 전에 보여 드립니다.',
      },
      {
        title: '책임',
        text: '무료로 제공하는 서비스이며 멈추거나 바뀔 수 있습니다. 이용자끼리 주고받은 내용에 대해서는 법이 정한 범위에서만 책임을 집니다.',
      },
      {
        title: '약관이 바뀌면',
        text: '뜻이 바뀌면 버전을 올리고, 계속 쓰기 전에 다시 동의를 받습니다.',
      },
    ],
  } as Page,
  privacy: {
    title: '개인정보 처리방침',
    lead: '필요한 것만 받고, 필요 없어지면 지웁니다. 광고와 방문 분석은 하지 않습니다.',
    parts: [
      {
        title: '무엇을 받나요',
        list: [
          '카카오가 알려 주는 회원번호와 닉네임, 동의한 경우 이메일(선택)',
          '약관에 동의한 버전과 시각, 만 14세 이상이라는 확인',
          '로그인한 시각과 브라우저·기기의 종류 (IP 주소는 함께 저장하지 않습니다)',
          '들어간 대화방, 그 방에서만 쓰는 이름, 읽은 위치, 쓴 메시지와 반응',
          '차단한 사람, 신고한 내용과 그때의 앞뒤 대화',
          '새로운 사람을 만날 때 고른 언어와 관심사 (몇 시간 안에 사라집니다)',
        ],
      },
      {
        title: '왜 받나요',
        text: '로그인을 유지하고 대화를 전하고 보관하기 위해서, 그리고 신고를 처리하고 이용자를 보호하기 위해서입니다. 다른 데에는 쓰지 않습니다.',
      },
      {
        title: '언제까지 두나요',
        list: [
          '계정 정보와 로그인 기록, 차단 목록: 탈퇴하면 바로 지웁니다. 로그인 기록은 30일이 지나도 지웁니다.',
          '메시지: 쓴 사람이 지우거나 대화방이 닫힐 때까지. 탈퇴해도 다른 사람의 대화방에 쓴 글은 이름 없이 남습니다.',
          '한 방에서만 쓰는 이름: 방에서 나가도 남고, 탈퇴하거나 방이 닫히면 지웁니다.',
          '신고: 처리한 뒤 180일. 이용 정지와 방에서의 제재: 끝날 때까지.',
          '백업: 지운 뒤 35일 동안 암호화되어 남아 있다가 사라집니다.',
        ],
      },
      {
        title: '누구에게 맡기나요',
        text: '데이터는 Amazon Web Services에 암호화하여 저장합니다. 로그인은 카카오가 처리합니다. 그 밖의 누구에게도 주지 않으며, 법에 따른 요구가 있을 때만 예외입니다.',
      },
      {
        title: '내 권리',
        text: '‘내 정보’에서 언제든지 닉네임을 고치고, 내 정보를 파일로 내려받고, 다른 기기를 로그아웃하고, 탈퇴할 수 있습니다. 카카오 계정에서 연결을 끊어도 탈퇴됩니다.',
      },
      {
        title: '쿠키와 기기에 저장하는 것',
        text: '로그인 쿠키 하나를 씁니다. 아직 보내지 못한 메시지와 화면 설정은 이 기기에만 저장하고, 로그아웃하면 메시지는 지웁니다.',
      },
      {
        title: '14세 미만',
        text: '만 14세 미만의 개인정보는 받지 않습니다. 알게 되면 지웁니다.',
      },
    ],
  } as Page,
};

const en: typeof ko = {
  version: `Version ${TERMS_VERSION}`,
  contactTitle: 'Contact',
  contact: 'Write to us with questions and requests:',
  noContact: 'Please turn to the people who run this site with questions and requests.',
  terms: {
    title: 'Terms of use',
    lead: 'What we promise each other so that everybody can talk at ease.',
    parts: [
      {
        title: 'Who can use it',
        text: 'Everybody who is 14 or older and has a Kakao account, for free. An account is for one person.',
      },
      {
        title: 'What is not allowed',
        list: [
          'Harassment, threats, hatred and discrimination',
          'Pornography, unwanted sexual remarks, illegally taken pictures',
          'Sexual approaches to minors, or exploiting them',
          'Fraud, impersonation, flooding with advertisements',
          'Publishing personal data of others without their consent',
          'Disturbing the service, or using it in bulk by machines',
        ],
      },
      {
        title: 'What happens otherwise',
        text: 'Hosts and managers can delete messages in their room and put people out of it. When something is reported, an operator looks at it and can delete the message or suspend its writer for 1 to 60 days. Leaving and coming back does not end that.',
      },
      {
        title: 'What you write',
        text: 'It is yours. Ping-Pong handles it only as far as delivering and keeping conversations needs. Members of a room see what is said in it, and those who come later see what was said before.',
      },
      {
        title: 'Leaving',
        text: 'You can delete your account at any time under “Me”. What is deleted and what stays is shown to you before.',
      },
      {
        title: 'Liability',
        text: 'This is free of charge and may stop or change. For what people tell each other we are liable only as far as the law says.',
      },
      {
        title: 'When these terms change',
        text: 'When their meaning changes they get a new version, and you are asked again before you go on.',
      },
    ],
  },
  privacy: {
    title: 'Privacy',
    lead: 'We take what is needed and delete what is not needed any more. No advertising, no tracking.',
    parts: [
      {
        title: 'What we collect',
        list: [
          'Your Kakao member number and nickname, and your email if you agree (optional)',
          'Which version of the terms you agreed to and when, and that you are 14 or older',
          'When you signed in, and the kind of browser and device (no IP address is kept with it)',
          'Your rooms, names you go by in them, how far you have read, your messages and reactions',
          'Whom you blocked, what you reported, and what was said around it then',
          'Languages and interests you chose to meet somebody new (gone within hours)',
        ],
      },
      {
        title: 'What for',
        text: 'To keep you signed in, to deliver and keep conversations, to handle reports and to protect people. For nothing else.',
      },
      {
        title: 'For how long',
        list: [
          'Account, sign-ins, block list: deleted at once when you delete your account. Sign-ins are deleted after 30 days, too.',
          'Messages: until you delete them or the room is closed. When you leave, what you said in rooms of others stays without your name.',
          'Names for one room: also after leaving it, until you delete your account or the room is closed.',
          'Reports: 180 days after they were settled. Suspensions and bans: until they end.',
          'Backups: encrypted, for 35 days after something was deleted.',
        ],
      },
      {
        title: 'Who else handles it',
        text: 'Data is stored encrypted at Amazon Web Services. Kakao handles the sign-in. Nobody else gets it, unless the law demands it.',
      },
      {
        title: 'Your rights',
        text: 'Under “Me” you can change your nickname, download your data, sign out other devices and delete your account at any time. Unlinking Ping-Pong in your Kakao account deletes it, too.',
      },
      {
        title: 'Cookies and storage',
        text: 'There is one cookie, for being signed in. Messages not sent yet and display settings are stored on your device only; signing out deletes the messages.',
      },
      {
        title: 'Under 14',
        text: 'We take no data of people under 14, and delete what we find out to be such.',
      },
    ],
  },
};

/** The terms of use and the privacy notice. */
export const legalTexts = computed(() => (lang.value === 'ko' ? ko : en));
