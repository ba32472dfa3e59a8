import { computed } from '@preact/signals';
import { lang } from '../../i18n';

const ko = {
  title: '들어오는 방법',
  ways: {
    open: { label: '누구나', hint: '방 이름을 아는 사람은 누구나 들어올 수 있습니다.' },
    passcode: {
      label: '참여 코드',
      hint: '코드를 아는 사람과 초대 링크를 받은 사람만 들어올 수 있습니다.',
    },
    private: {
      label: '비공개',
      hint: '초대 링크를 받은 사람만 들어올 수 있고, 이름으로 찾을 수 없습니다.',
    },
  },
  shown: { open: '', passcode: '참여 코드로 들어오는 방', private: '비공개 방' },
  passcode: '참여 코드',
  newPasscode: '새 참여 코드',
  passcodeHint: (least: number, most: number) =>
    `${least}~${most}자. 저장한 뒤에는 다시 볼 수 없으니 기억해 두세요.`,
  passcodeSaved: '참여 코드를 저장했습니다.',
  capacity: '정원',
  capacityHint: (least: number) =>
    `${least}명부터 정할 수 있습니다. 비워 두면 제한이 없고, 이미 있는 사람은 그대로 있습니다.`,
  capacitySaved: '정원을 바꾸었습니다.',
  capacityWrong: (least: number, most: number) =>
    `${least}명부터 ${most.toLocaleString('ko')}명까지 정할 수 있습니다.`,
  people: (count: number) => `정원 ${count}명`,
};

const en: typeof ko = {
  title: 'Who can enter',
  ways: {
    open: { label: 'Everybody', hint: 'Anybody who knows the room’s name can enter.' },
    passcode: {
      label: 'With a passcode',
      hint: 'Only people who know the passcode or have an invitation link.',
    },
    private: {
      label: 'Private',
      hint: 'Only people with an invitation link; nobody finds it by its name.',
    },
  },
  shown: { open: '', passcode: 'Asks for a passcode', private: 'Private' },
  passcode: 'Passcode',
  newPasscode: 'New passcode',
  passcodeHint: (least, most) =>
    `${least} to ${most} characters. It can’t be shown again, so remember it.`,
  passcodeSaved: 'The passcode is saved.',
  capacity: 'Maximum size',
  capacityHint: (least) =>
    `At least ${least}. Leave it empty for no limit. Nobody who is in the room has to leave.`,
  capacitySaved: 'The maximum size is saved.',
  capacityWrong: (least, most) => `Choose a number from ${least} to ${most.toLocaleString('en')}.`,
  people: (count) => `Up to ${count} people`,
};

/** What is said of who can join a room. */
export const wayTexts = computed(() => (lang.value === 'ko' ? ko : en));
