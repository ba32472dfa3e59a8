/** A celluloid ball: higher on the table, lower on the bat. */
const PITCH_HZ = { ping: 1_320, pong: 940 };
const LOUDNESS = 0.22;
const LASTS_S = 0.12;

let context: AudioContext | undefined;

/** Before somebody has touched the page, browsers let nothing be heard, and complain. */
export function mayPlay(): boolean {
  const activation = navigator.userActivation as UserActivation | undefined;
  return activation?.hasBeenActive !== false && 'AudioContext' in window;
}

/** The sound of a ball, now, if there may be sounds at all. */
export function play(kind: keyof typeof PITCH_HZ): void {
  if (!mayPlay()) return;
  context ??= new AudioContext();
  const { state } = context;
  // A phone call or another tab may have interrupted it; then this sound is left out.
  if (state !== 'running') void context.resume().catch(() => {});
  const at = context.currentTime + 0.01;
  const pitch = PITCH_HZ[kind];
  strike(context, { type: 'sine', pitch, loudness: LOUDNESS, at, lasts: LASTS_S });
  // The click of the shell.
  strike(context, { type: 'triangle', pitch: pitch * 2.76, loudness: LOUDNESS / 3, at, lasts: 0.04 });
}

interface Strike {
  type: OscillatorType;
  pitch: number;
  loudness: number;
  at: number;
  lasts: number;
}

function strike(audio: AudioContext, { type, pitch, loudness, at, lasts }: Strike): void {
  const tone = audio.createOscillator();
  const gain = audio.createGain();
  tone.type = type;
  tone.frequency.setValueAtTime(pitch, at);
  tone.frequency.exponentialRampToValueAtTime(pitch * 0.7, at + lasts);
  gain.gain.setValueAtTime(0.0001, at);
  gain.gain.exponentialRampToValueAtTime(loudness, at + 0.003);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + lasts);
  tone.connect(gain).connect(audio.destination);
  tone.start(at);
  tone.stop(at + lasts);
}
