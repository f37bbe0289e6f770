import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'react-router';
import { info, session, signOut } from '../api/session';
import { showNumber } from '../base/format';
import { useMedia } from '../base/media';
import { useStore } from '../base/store';
import { THEMES, themeChoice } from '../base/theme';
import { showTime } from '../base/time';
import { language } from '../i18n';
import { plantClock, usePlantTime } from '../live/clock';
import { connected } from '../live/stream';
import { Icon } from '../parts/icon';
import { LanguageSwitch } from '../parts/language-switch';
import { Logo } from '../parts/logo';
import { soundChoice } from './sound';

function PlantTime() {
  const { t } = useTranslation();
  const now = usePlantTime();
  const clock = useStore(plantClock);
  const live = useStore(connected);
  return (
    <div className={`plant-time${live ? '' : ' lost'}`} title={live ? t('clock.title') : t('clock.lost')}>
      <span className="hide-phone faint small">{t('clock.plant')}</span>
      <time data-testid="plant-time">{showTime(now, 'full')}</time>
      <span className="tag" data-testid="plant-speed" data-speed={clock?.speed ?? ''}>
        {clock ? (clock.speed > 0 ? `${showNumber(clock.speed, 0)}×` : t('clock.steps')) : '–'}
      </span>
      {!live && (
        <span className="tag lost-tag" role="status" data-testid="stream-lost">
          {t('clock.lostShort')}
        </span>
      )}
    </div>
  );
}

function Person({ narrow }: { narrow: boolean }) {
  const { t } = useTranslation();
  const who = useStore(session);
  const theme = useStore(themeChoice);
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const { pathname } = useLocation();
  useEffect(() => setOpen(false), [pathname]);
  useEffect(() => {
    if (!open) return undefined;
    const close = (event: Event) => {
      const key = (event as KeyboardEvent).key;
      if (key ? key === 'Escape' : !box.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', close);
    document.addEventListener('keydown', close);
    return () => {
      document.removeEventListener('pointerdown', close);
      document.removeEventListener('keydown', close);
    };
  }, [open]);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
  return (
    <div className="person" ref={box}>
      <button
        type="button"
        className="btn plain person-button"
        aria-expanded={open}
        data-testid="person-menu"
        onClick={() => setOpen(!open)}
      >
        <span className="person-mark" aria-hidden="true">
          {(who?.user ?? '?').slice(0, 1).toUpperCase()}
        </span>
        <span className="hide-phone">{who?.user}</span>
      </button>
      {open && (
        <div className="person-menu panel">
          <p className="person-name">
            <strong>{who?.user}</strong>
            <span className="faint small">
              {who?.roles.map((role) => t(`role.${role as 'dispatcher'}`)).join(' · ')}
            </span>
          </p>
          {narrow && <LanguageSwitch />}
          <button type="button" data-testid="theme-switch" onClick={() => themeChoice.set(next)}>
            <Icon name={theme === 'dark' ? 'moon' : theme === 'light' ? 'sun' : 'auto'} size={18} />
            {t(`theme.${theme}`)}
          </button>
          <Link to="/account" data-testid="my-account">
            <Icon name="users" size={18} />
            {t('myAccount')}
          </Link>
          <Link to="/password" data-testid="change-password">
            <Icon name="lock" size={18} />
            {t('password.title')}
          </Link>
          <button type="button" data-testid="sign-out" onClick={() => void signOut()}>
            <Icon name="out" size={18} />
            {t('signout')}
          </button>
        </div>
      )}
    </div>
  );
}

export function Header({ demoOpen, onDemo }: { demoOpen: boolean; onDemo: () => void }) {
  const { t } = useTranslation();
  const told = useStore(info);
  const sound = useStore(soundChoice);
  const narrow = useMedia('(max-width: 720px)');
  const company = told && (language.get() === 'zh' ? told.company_zh : told.company_en);
  return (
    <header className="top">
      <Link to="/" className="brand" aria-label={t('nav.overview')}>
        <Logo />
        <span className="brand-name">
          <strong>{t('product')}</strong>
          <small>{company}</small>
        </span>
      </Link>
      {told?.demo && (
        <button
          type="button"
          className="demo-badge"
          aria-expanded={demoOpen}
          data-testid="demo-badge"
          onClick={onDemo}
        >
          {t('demo.badge')} <span aria-hidden="true">{demoOpen ? '▴' : '▾'}</span>
        </button>
      )}
      <span className="grow" />
      <PlantTime />
      <button
        type="button"
        className="btn plain icon"
        aria-pressed={sound === 'on'}
        title={t(sound === 'on' ? 'sound.on' : 'sound.off')}
        aria-label={t(sound === 'on' ? 'sound.on' : 'sound.off')}
        data-testid="sound-switch"
        onClick={() => soundChoice.set(sound === 'on' ? 'off' : 'on')}
      >
        <Icon name={sound === 'on' ? 'sound' : 'mute'} />
      </button>
      {!narrow && <LanguageSwitch />}
      <Person narrow={narrow} />
    </header>
  );
}
