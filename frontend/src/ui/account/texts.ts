import { computed } from '@preact/signals';
import { lang } from '../../i18n';

const ko = {
  devices: '로그인한 기기',
  devicesHint: '모르는 기기가 있으면 로그아웃해 주세요.',
  thisDevice: '이 기기',
  connected: '지금 접속 중',
  signedInAt: (when: string) => `${when} 로그인`,
  unknownDevice: '알 수 없는 브라우저',
  end: '로그아웃',
  endOthers: '다른 기기에서 모두 로그아웃',
  ended: '로그아웃했습니다.',
  devicesFailed: '로그인한 기기를 불러오지 못했습니다.',
  export: '내 정보 내려받기',
  exportText:
    '프로필, 로그인 기록, 대화방 목록과 거기서 내가 쓴 메시지, 차단과 신고 내역을 JSON 파일로 받습니다. 이미 나온 방의 메시지는 들어 있지 않습니다.',
  exportStart: '내려받기',
  exportGoOn: '이어서 받기',
  exporting: (chats: number) =>
    chats ? `모으는 중… 메시지 ${chats.toLocaleString('ko')}개` : '모으는 중…',
  exported: '파일로 저장했습니다.',
  exportedLately: (minutes: number) =>
    `한 시간에 한 번 받을 수 있습니다. ${minutes}분 뒤에 다시 시도해 주세요.`,
  consent: {
    title: '시작하기 전에',
    lead: '핑퐁을 쓰려면 아래 내용에 동의해 주세요.',
    all: '모두 동의합니다',
    age: '만 14세 이상입니다',
    terms: '이용약관에 동의합니다',
    privacy: '개인정보 수집·이용에 동의합니다',
    required: '필수',
    read: '보기',
    start: '시작하기',
    refuse: '동의하지 않아요',
    refused: '동의하지 않으면 핑퐁을 쓸 수 없습니다. 언제든 다시 와서 동의할 수 있습니다.',
    signOut: '로그아웃',
    withdraw: '계정 지우기',
    outdated: '새 약관이 나왔습니다. 페이지를 새로 고쳐 주세요.',
  },
};

const en: typeof ko = {
  devices: 'Where you are signed in',
  devicesHint: 'If you don’t know one of these, sign it out.',
  thisDevice: 'This device',
  connected: 'Connected now',
  signedInAt: (when) => `Signed in ${when}`,
  unknownDevice: 'Unknown browser',
  end: 'Sign out',
  endOthers: 'Sign out everywhere else',
  ended: 'Signed out.',
  devicesFailed: 'Could not load where you are signed in.',
  export: 'Download my data',
  exportText:
    'Your profile, sign-ins, rooms and what you said in them, whom you blocked and what you reported, as a JSON file. Messages in rooms you have left are not in it.',
  exportStart: 'Download',
  exportGoOn: 'Go on',
  exporting: (chats) =>
    chats ? `Collecting… ${chats.toLocaleString('en')} ${chats === 1 ? 'message' : 'messages'}` : 'Collecting…',
  exported: 'Saved as a file.',
  exportedLately: (minutes) =>
    `You can do this once an hour. Try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`,
  consent: {
    title: 'Before you start',
    lead: 'Please agree to the following to use Ping-Pong.',
    all: 'I agree to everything',
    age: 'I am 14 or older',
    terms: 'I agree to the terms of use',
    privacy: 'I agree to how my data is collected and used',
    required: 'Required',
    read: 'Read',
    start: 'Start',
    refuse: 'I don’t agree',
    refused: 'Without this you cannot use Ping-Pong. You can come back and agree at any time.',
    signOut: 'Sign out',
    withdraw: 'Delete my account',
    outdated: 'There are newer terms. Please reload the page.',
  },
};

/** What is said of one's account. */
export const accountTexts = computed(() => (lang.value === 'ko' ? ko : en));

const named = {
  chrome: 'Chrome',
  edge: 'Edge',
  firefox: 'Firefox',
  opera: 'Opera',
  safari: 'Safari',
};

/** Names of browsers (chalicelib/devices.py). */
export const browsers = computed(
  (): Record<string, string> =>
    lang.value === 'ko'
      ? { ...named, kakaotalk: '카카오톡', naver: '네이버', samsung: '삼성 인터넷', whale: '웨일' }
      : { ...named, kakaotalk: 'KakaoTalk', naver: 'NAVER', samsung: 'Samsung Internet', whale: 'Whale' },
);

/** And of what they run on. */
export const systems: Record<string, string> = {
  android: 'Android',
  chromeos: 'ChromeOS',
  ios: 'iPhone',
  ipados: 'iPad',
  linux: 'Linux',
  macos: 'Mac',
  windows: 'Windows',
};
