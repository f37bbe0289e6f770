import { remembered } from './remember';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type ThemeChoice = (typeof THEMES)[number];

export const themeChoice = remembered<ThemeChoice>('theme', THEMES, 'auto');
const dark = window.matchMedia('(prefers-color-scheme: dark)');

export function isDark(): boolean {
  const choice = themeChoice.get();
  return choice === 'dark' || (choice === 'auto' && dark.matches);
}

function apply(): void {
  document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
}

export function followTheme(): void {
  apply();
  themeChoice.subscribe(apply);
  dark.addEventListener('change', apply);
}

/** A colour of the style sheet, for canvases that cannot read variables. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
