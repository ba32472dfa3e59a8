import { computed } from '@preact/signals';
import { lang } from '.';

const ko = {
  nickname: '닉네임',
  nicknameHint: '따로 이름을 정한 방이 아니면, 모든 대화방에 이 이름으로 보입니다.',
  saved: '닉네임을 바꾸었습니다.',
  email: '이메일',
  display: '화면',
  language: '언어',
  theme: '테마',
  themes: { auto: '기기 설정', light: '밝게', dark: '어둡게' },
  sounds: '소리',
  newChats: '새 메시지 소리',
  soundsHint: '보고 있지 않은 방에 새 메시지가 오면 탁구공 소리가 납니다. 이 기기에만 적용됩니다.',
  listen: '들어보기',
  account: '계정',
  signOut: '로그아웃',
  signOutUnsent: (count: number) =>
    `아직 보내지 못한 메시지나 수정·삭제가 ${count}건 있습니다. 로그아웃하면 사라집니다.`,
  withdraw: '회원 탈퇴',
  withdrawTitle: '정말 탈퇴할까요?',
  withdrawLead: '탈퇴하면 다음이 바로 처리되며, 되돌릴 수 없습니다.',
  withdrawList: [
    '계정과 닉네임, 이메일, 차단 목록이 지워지고 모든 기기에서 로그아웃됩니다.',
    '내가 방장인 대화방은 부방장에게 넘어갑니다. 부방장이 없으면 방이 닫히고, 그 안의 대화가 모두 지워집니다.',
    '다른 대화방에서 나갑니다.',
    '카카오와의 연결이 끊어집니다.',
  ],
  withdrawStays: '이것은 남습니다',
  withdrawStaysList: [
    '다른 대화방에 쓴 메시지는 ‘탈퇴한 사용자’가 쓴 것으로 남습니다. 지우고 싶은 것은 탈퇴하기 전에 지워 주세요.',
    '내보내기나 이용 정지 같은 제재, 신고 내역, 다른 사람이 나를 차단한 것은 모두의 안전을 위해 남습니다.',
    '암호화된 백업에서는 35일 뒤에 사라집니다.',
  ],
  withdrawConfirm: '탈퇴하기',
  terms: '이용약관',
  privacy: '개인정보 처리방침',
};

const en: typeof ko = {
  nickname: 'Nickname',
  nicknameHint: 'This is how everybody sees you, but in rooms for which you chose another name.',
  saved: 'Your nickname was changed.',
  email: 'Email',
  display: 'Display',
  language: 'Language',
  theme: 'Theme',
  themes: { auto: 'Device', light: 'Light', dark: 'Dark' },
  sounds: 'Sounds',
  newChats: 'New messages',
  soundsHint: 'A ball is heard when something is said in a room you are not looking at. On this device only.',
  listen: 'Listen',
  account: 'Account',
  signOut: 'Sign out',
  signOutUnsent: (count) =>
    `${count === 1 ? 'One message or change has' : `${count} messages or changes have`} not been sent yet and would be lost.`,
  withdraw: 'Delete my account',
  withdrawTitle: 'Really delete your account?',
  withdrawLead: 'This happens at once and cannot be undone:',
  withdrawList: [
    'Your account, nickname, email and block list are deleted, and you are signed out everywhere.',
    'Rooms you host go to one of their managers. Where there is none, the room is closed and everything said in it is deleted.',
    'You leave all other rooms.',
    'The link with your Kakao account is removed.',
  ],
  withdrawStays: 'What stays',
  withdrawStaysList: [
    'What you said in rooms of others stays, shown as by “Deleted user”. Delete before what you don’t want to leave.',
    'Bans and suspensions, reports, and that others have blocked you stay, for everybody’s safety.',
    'Encrypted backups forget you after 35 days.',
  ],
  withdrawConfirm: 'Delete my account',
  terms: 'Terms of use',
  privacy: 'Privacy',
};

/** What the page of one's account says. */
export const meTexts = computed(() => (lang.value === 'ko' ? ko : en));
