import { remembered } from '../base/remember';
import { Store } from '../base/store';
import { isUnacknowledged, openAlarms } from '../live/alarms';

/** Whether this window sounds for alarms nobody has acknowledged. */
export const soundChoice = remembered<'on' | 'off'>('sound', ['on', 'off'], 'on');

/** Alarms heard and silenced by a person; a new one sounds again. */
export const silenced = new Store<ReadonlySet<string>>(new Set());

/** Beeps a round, tone in Hz and pause between rounds in ms, by priority. */
const CALLS: Record<number, { beeps: number; tone: number; pause: number }> = {
  1: { beeps: 3, tone: 988, pause: 1500 },
  2: { beeps: 2, tone: 784, pause: 3000 },
  3: { beeps: 1, tone: 659, pause: 6000 },
};

let audio: AudioContext | null = null;
let timer = 0;

function beep(at: number, tone: number): void {
  if (!audio) return;
  const voice = audio.createOscillator();
  const volume = audio.createGain();
  voice.frequency.value = tone;
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(0.12, at + 0.02);
  volume.gain.setValueAtTime(0.12, at + 0.14);
  volume.gain.linearRampToValueAtTime(0, at + 0.18);
  voice.connect(volume).connect(audio.destination);
  voice.start(at);
  voice.stop(at + 0.2);
}

/** Priority that sounds now, or null. */
export function sounding(): number | null {
  if (soundChoice.get() === 'off') return null;
  let worst: number | null = null;
  for (const alarm of openAlarms.get().values()) {
    if (!isUnacknowledged(alarm) || silenced.get().has(alarm.id) || !CALLS[alarm.priority]) continue;
    worst = worst === null ? alarm.priority : Math.min(worst, alarm.priority);
  }
  return worst;
}

export function silence(): void {
  silenced.set(new Set(openAlarms.get().keys()));
}

function round(): void {
  timer = 0;
  const priority = sounding();
  const call = priority === null ? undefined : CALLS[priority];
  if (!call) return;
  audio ??= new AudioContext();
  if (audio.state === 'suspended') void audio.resume();
  for (let n = 0; n < call.beeps; n++) beep(audio.currentTime + 0.05 + n * 0.28, call.tone);
  timer = window.setTimeout(round, call.pause);
}

/** A browser lets a page sound only after the person touched it. */
function allowed(): boolean {
  return navigator.userActivation?.hasBeenActive ?? true;
}

function check(): void {
  if (timer === 0 && allowed() && sounding() !== null) round();
}

/** Sound until acknowledged; returns how to stop listening. */
export function startSound(): () => void {
  const stops = [openAlarms.subscribe(check), soundChoice.subscribe(check), silenced.subscribe(check)];
  const touches = ['pointerdown', 'keydown'] as const;
  for (const touch of touches) document.addEventListener(touch, check);
  check();
  return () => {
    for (const touch of touches) document.removeEventListener(touch, check);
    for (const stop of stops) stop();
    window.clearTimeout(timer);
    timer = 0;
  };
}
